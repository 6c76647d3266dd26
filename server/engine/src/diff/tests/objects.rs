//! A deployment as Git declares it and as a cluster holds it.

pub(super) const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  replicas: 2
  minReadySeconds: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {creationTimestamp: null, labels: {app: web}}
    spec:
      hostNetwork: false
      containers:
      - name: web
        image: web:1.2
        command: []
        ports:
        - containerPort: 8080
        - {containerPort: 53, protocol: UDP}
        env:
        - {name: EMPTY, value: ''}
        - {name: MODE, value: fast}
        resources: {limits: {cpu: 1000m, memory: 1024Mi}, requests: {cpu: 0.1}}
      volumes:
      - {name: tmp, emptyDir: {}}
";

/// What an API server makes of it, with a sidecar injected and a status.
pub(super) const LIVE: &str = "
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  uid: 1-2-3
  resourceVersion: '77'
  generation: 3
  creationTimestamp: '2026-01-02T03:04:05Z'
  labels: {app: web}
  annotations: {deployment.kubernetes.io/revision: '3'}
  managedFields:
  - manager: lockstep
    operation: Apply
    apiVersion: apps/v1
    time: '2026-01-02T03:04:05Z'
    fieldsType: FieldsV1
    fieldsV1:
      f:metadata: {f:labels: {f:app: {}}}
      f:spec:
        f:replicas: {}
        f:minReadySeconds: {}
        f:selector: {}
        f:template:
          f:metadata: {f:creationTimestamp: {}, f:labels: {f:app: {}}}
          f:spec:
            f:hostNetwork: {}
            f:containers:
              'k:{\"name\":\"web\"}':
                .: {}
                f:name: {}
                f:image: {}
                f:command: {}
                f:env:
                  'k:{\"name\":\"EMPTY\"}': {.: {}, f:name: {}, f:value: {}}
                  'k:{\"name\":\"MODE\"}': {.: {}, f:name: {}, f:value: {}}
                f:ports:
                  'k:{\"containerPort\":8080,\"protocol\":\"TCP\"}': {.: {}, f:containerPort: {}}
                  'k:{\"containerPort\":53,\"protocol\":\"UDP\"}': {.: {}, f:containerPort: {}, f:protocol: {}}
                f:resources: {f:limits: {f:cpu: {}, f:memory: {}}, f:requests: {f:cpu: {}}}
            f:volumes:
              'k:{\"name\":\"tmp\"}': {.: {}, f:emptyDir: {}, f:name: {}}
  - manager: kube-controller-manager
    operation: Update
    apiVersion: apps/v1
    subresource: status
    time: '2026-01-02T03:04:09Z'
    fieldsV1: {f:metadata: {f:annotations: {.: {}, f:deployment.kubernetes.io/revision: {}}}, f:status: {f:replicas: {}}}
spec:
  replicas: 2
  progressDeadlineSeconds: 600
  revisionHistoryLimit: 10
  selector: {matchLabels: {app: web}}
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - image: web:1.2
        name: web
        imagePullPolicy: IfNotPresent
        env:
        - {name: EMPTY}
        - {name: MODE, value: fast}
        ports:
        - {containerPort: 8080, protocol: TCP}
        - {containerPort: 53, protocol: UDP}
        resources: {limits: {cpu: '1', memory: 1Gi}, requests: {cpu: 100m}}
        terminationMessagePath: /dev/termination-log
        terminationMessagePolicy: File
      - {name: proxy, image: 'proxy:9'}
      volumes:
      - {name: tmp, emptyDir: {}}
      dnsPolicy: ClusterFirst
      restartPolicy: Always
status: {replicas: 2}
";
