use super::*;
use serde_json::json;

/// Cases as YAML: kind, what is set, and `status message` as it must come out.
fn check(cases: &[(&str, &str, &str)]) {
    for (api, yaml, expected) in cases {
        let (api_version, kind) = api.rsplit_once('/').unwrap();
        let mut body: Value =
            serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"));
        body["apiVersion"] = json!(api_version);
        body["kind"] = json!(kind);
        let health = health(&body);
        let said = format!("{} {}", health.status.word(), health.message);
        assert_eq!(said.trim(), *expected, "{api}\n{yaml}");
    }
}

#[test]
fn workloads() {
    check(&[
        (
            "apps/v1/Deployment",
            "{metadata: {generation: 2}, spec: {replicas: 3}, status: {observedGeneration: 2, replicas: 3, updatedReplicas: 3, availableReplicas: 3}}",
            "Healthy",
        ),
        (
            "apps/v1/Deployment",
            "{metadata: {generation: 2}, spec: {replicas: 0}, status: {observedGeneration: 2}}",
            "Healthy",
        ),
        (
            "apps/v1/Deployment",
            "{metadata: {generation: 2}, spec: {paused: true}}",
            "Suspended the rollout is paused",
        ),
        (
            "apps/v1/Deployment",
            "{metadata: {generation: 3}, status: {observedGeneration: 2}}",
            "Progressing the rollout has not begun",
        ),
        (
            "apps/v1/Deployment",
            "{spec: {replicas: 3}, status: {replicas: 3, updatedReplicas: 1}}",
            "Progressing rolling out: 1 of 3 replicas updated",
        ),
        (
            "apps/v1/Deployment",
            "{spec: {replicas: 3}, status: {replicas: 4, updatedReplicas: 3, availableReplicas: 3}}",
            "Progressing rolling out: 1 old replica still to end",
        ),
        (
            "apps/v1/Deployment",
            "{spec: {replicas: 3}, status: {replicas: 3, updatedReplicas: 3, availableReplicas: 1}}",
            "Progressing rolling out: 1 of 3 replicas available",
        ),
        (
            "apps/v1/Deployment",
            "{spec: {replicas: 3}, status: {conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded}]}}",
            "Degraded the rollout exceeded its deadline",
        ),
        (
            "apps/v1/StatefulSet",
            "{metadata: {generation: 1}, status: {observedGeneration: 0}}",
            "Progressing the rollout has not begun",
        ),
        (
            "apps/v1/StatefulSet",
            "{spec: {replicas: 2}, status: {observedGeneration: 1, readyReplicas: 1}}",
            "Progressing 1 of 2 pods ready",
        ),
        (
            "apps/v1/StatefulSet",
            "{spec: {replicas: 2}, status: {observedGeneration: 1, readyReplicas: 2, updatedReplicas: 1, currentRevision: a, updateRevision: b}}",
            "Progressing rolling out: 1 of 2 pods updated",
        ),
        (
            "apps/v1/StatefulSet",
            "{spec: {replicas: 2, updateStrategy: {type: OnDelete}}, status: {observedGeneration: 1, readyReplicas: 2, currentRevision: a, updateRevision: b}}",
            "Healthy",
        ),
        (
            "apps/v1/StatefulSet",
            "{spec: {replicas: 3, updateStrategy: {rollingUpdate: {partition: 2}}}, status: {observedGeneration: 1, readyReplicas: 3, updatedReplicas: 1, currentRevision: a, updateRevision: b}}",
            "Healthy",
        ),
        (
            "apps/v1/DaemonSet",
            "{status: {desiredNumberScheduled: 5, updatedNumberScheduled: 5, numberAvailable: 4}}",
            "Progressing 4 of 5 pods available",
        ),
        (
            "apps/v1/DaemonSet",
            "{status: {desiredNumberScheduled: 5, updatedNumberScheduled: 5, numberAvailable: 5}}",
            "Healthy",
        ),
        (
            "apps/v1/ReplicaSet",
            "{spec: {replicas: 1}, status: {conditions: [{type: ReplicaFailure, status: 'True', message: exceeded quota}]}}",
            "Degraded exceeded quota",
        ),
        (
            "apps/v1/ReplicaSet",
            "{spec: {replicas: 1}, status: {availableReplicas: 0}}",
            "Progressing 0 of 1 replica available",
        ),
        (
            "batch/v1/Job",
            "{status: {conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded}]}}",
            "Degraded BackoffLimitExceeded",
        ),
        (
            "batch/v1/Job",
            "{status: {conditions: [{type: Complete, status: 'True'}]}}",
            "Healthy",
        ),
        (
            "batch/v1/Job",
            "{status: {conditions: [{type: Suspended, status: 'True'}]}}",
            "Suspended the job is suspended",
        ),
        (
            "batch/v1/Job",
            "{status: {active: 1}}",
            "Progressing the job is running",
        ),
        (
            "batch/v1/CronJob",
            "{spec: {suspend: true}}",
            "Suspended no new jobs are started",
        ),
        (
            "batch/v1/CronJob",
            "{spec: {schedule: '* * * * *'}}",
            "Healthy",
        ),
    ]);
}

#[test]
fn pods() {
    check(&[
        (
            "v1/Pod",
            "{status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}",
            "Healthy",
        ),
        ("v1/Pod", "{status: {phase: Succeeded}}", "Healthy"),
        (
            "v1/Pod",
            "{status: {phase: Running}}",
            "Progressing not ready yet",
        ),
        (
            "v1/Pod",
            "{spec: {restartPolicy: Never}, status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}",
            "Progressing running to its end",
        ),
        (
            "v1/Pod",
            "{metadata: {annotations: {argocd.argoproj.io/ignore-restart-policy: 'true'}}, spec: {restartPolicy: Never}, status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}",
            "Healthy",
        ),
        (
            "v1/Pod",
            "{status: {phase: Pending, containerStatuses: [{name: a, state: {waiting: {reason: ContainerCreating}}}]}}",
            "Progressing its containers are being created",
        ),
        (
            "v1/Pod",
            "{spec: {containers: [{name: a, image: 'reg.io/shop/checkout:2.9.1'}]}, status: {phase: Pending, containerStatuses: [{name: a, image: 'sha256:1', state: {waiting: {reason: ImagePullBackOff}}}]}}",
            "Degraded cannot pull checkout:2.9.1",
        ),
        (
            "v1/Pod",
            "{spec: {initContainers: [{name: i, image: 'init:1'}]}, status: {phase: Pending, initContainerStatuses: [{name: i, state: {waiting: {reason: ErrImagePull}}}]}}",
            "Degraded cannot pull init:1",
        ),
        (
            "v1/Pod",
            "{status: {phase: Running, containerStatuses: [{name: a, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 2, reason: Error}}}]}}",
            "Degraded keeps crashing: container a exited with code 2",
        ),
        (
            "v1/Pod",
            "{status: {phase: Running, containerStatuses: [{name: a, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 137, reason: OOMKilled}}}]}}",
            "Degraded keeps crashing: container a ran out of memory (OOMKilled)",
        ),
        (
            "v1/Pod",
            "{status: {phase: Running, containerStatuses: [{name: a, state: {terminated: {exitCode: 1, reason: StartError}}}]}}",
            "Degraded keeps crashing: container a exited with code 1 (StartError)",
        ),
        (
            "v1/Pod",
            "{status: {phase: Pending, containerStatuses: [{name: a, state: {waiting: {reason: CreateContainerConfigError, message: 'secret \"x\" not found'}}}]}}",
            "Degraded cannot start: container a: secret \"x\" not found (CreateContainerConfigError)",
        ),
        (
            "v1/Pod",
            "{status: {phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: '0/3 nodes are available: 3 Insufficient cpu.'}]}}",
            "Progressing cannot be scheduled: 0/3 nodes are available: 3 Insufficient cpu.",
        ),
        (
            "v1/Pod",
            "{status: {phase: Failed, reason: Evicted, message: The node was low on memory}}",
            "Degraded Evicted: The node was low on memory",
        ),
        (
            "v1/Pod",
            "{spec: {restartPolicy: Never}, status: {phase: Failed, containerStatuses: [{name: a, state: {terminated: {exitCode: 3}}}]}}",
            "Degraded container a exited with code 3",
        ),
        (
            "v1/Pod",
            "{status: {phase: Running, containerStatuses: [{name: a, state: {running: {}}, lastState: {terminated: {exitCode: 1}}}]}}",
            "Degraded container a was restarted: exited with code 1",
        ),
        (
            "v1/Pod",
            "{metadata: {deletionTimestamp: x}, status: {phase: Running}}",
            "Progressing being deleted",
        ),
    ]);
}

#[test]
fn everything_else() {
    check(&[
        (
            "v1/PersistentVolumeClaim",
            "{status: {phase: Bound}}",
            "Healthy",
        ),
        (
            "v1/PersistentVolumeClaim",
            "{status: {phase: Pending}}",
            "Progressing waiting for a volume",
        ),
        (
            "v1/PersistentVolumeClaim",
            "{status: {phase: Lost}}",
            "Degraded its volume is lost",
        ),
        ("v1/Service", "{spec: {type: ClusterIP}}", "Healthy"),
        (
            "v1/Service",
            "{spec: {type: LoadBalancer}}",
            "Progressing waiting for the load balancer's address",
        ),
        (
            "v1/Service",
            "{spec: {type: LoadBalancer}, status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}}",
            "Healthy",
        ),
        (
            "networking.k8s.io/v1/Ingress",
            "{status: {}}",
            "Progressing waiting for an address from the ingress controller",
        ),
        (
            "networking.k8s.io/v1/Ingress",
            "{status: {loadBalancer: {ingress: [{hostname: x}]}}}",
            "Healthy",
        ),
        (
            "autoscaling/v2/HorizontalPodAutoscaler",
            "{status: {conditions: [{type: AbleToScale, status: 'True', reason: SucceededGetScale}, {type: ScalingActive, status: 'False', reason: FailedGetResourceMetric, message: no metrics}]}}",
            "Degraded no metrics",
        ),
        (
            "autoscaling/v2/HorizontalPodAutoscaler",
            "{status: {conditions: [{type: AbleToScale, status: 'True', reason: ReadyForNewScale}]}}",
            "Healthy",
        ),
        (
            "autoscaling/v2/HorizontalPodAutoscaler",
            "{}",
            "Progressing waiting for its first metrics",
        ),
        (
            "apiextensions.k8s.io/v1/CustomResourceDefinition",
            "{status: {conditions: [{type: NamesAccepted, status: 'True'}, {type: Established, status: 'True'}]}}",
            "Healthy",
        ),
        (
            "apiextensions.k8s.io/v1/CustomResourceDefinition",
            "{status: {conditions: [{type: NamesAccepted, status: 'False', message: '\"w\" is already in use'}]}}",
            "Degraded its names are not accepted: \"w\" is already in use",
        ),
        (
            "apiextensions.k8s.io/v1/CustomResourceDefinition",
            "{}",
            "Progressing not served yet",
        ),
        (
            "apiregistration.k8s.io/v1/APIService",
            "{status: {conditions: [{type: Available, status: 'False', message: no endpoints}]}}",
            "Progressing no endpoints",
        ),
        ("v1/Namespace", "{status: {phase: Active}}", "Healthy"),
        (
            "v1/Namespace",
            "{metadata: {deletionTimestamp: x}, spec: {finalizers: [kubernetes]}, status: {phase: Terminating}}",
            "Progressing being deleted, waits for kubernetes",
        ),
        (
            "policy/v1/PodDisruptionBudget",
            "{status: {currentHealthy: 1, desiredHealthy: 2}}",
            "Progressing 1 of 2 needed pods healthy",
        ),
        (
            "policy/v1/PodDisruptionBudget",
            "{status: {conditions: [{type: DisruptionAllowed, status: 'False', reason: SyncFailed, message: no scale}]}}",
            "Degraded no scale",
        ),
        ("v1/ConfigMap", "{data: {a: b}}", "Healthy"),
        (
            "example.com/v1/Widget",
            "{status: {phase: Whatever}}",
            "Healthy",
        ),
        (
            "example.com/v1/Widget",
            "{metadata: {generation: 2}, status: {observedGeneration: 1}}",
            "Progressing its controller has not looked at it yet",
        ),
        (
            "example.com/v1/Widget",
            "{status: {conditions: [{type: Ready, status: 'False', reason: Issuing, message: at it}]}}",
            "Progressing at it",
        ),
        (
            "example.com/v1/Widget",
            "{status: {conditions: [{type: Ready, status: 'False', reason: InstallFailed, message: chart broken}]}}",
            "Degraded chart broken",
        ),
        (
            "example.com/v1/Widget",
            "{status: {conditions: [{type: Stalled, status: 'True', message: gave up}, {type: Ready, status: 'False'}]}}",
            "Degraded gave up",
        ),
        (
            "example.com/v1/Widget",
            "{status: {conditions: [{type: Reconciling, status: 'True', message: busy}, {type: Ready, status: 'True'}]}}",
            "Progressing busy",
        ),
        (
            "example.com/v1/Widget",
            "{spec: {suspend: true}}",
            "Suspended it is suspended",
        ),
    ]);
}

#[test]
fn details_for_cards() {
    for (api, yaml, expected) in [
        (
            "apps/v1/Deployment",
            "{spec: {replicas: 3}, status: {readyReplicas: 3}}",
            "3/3 ready",
        ),
        (
            "apps/v1/DaemonSet",
            "{status: {desiredNumberScheduled: 2}}",
            "0/2 ready",
        ),
        (
            "v1/Pod",
            "{status: {phase: Running, containerStatuses: [{restartCount: 2}]}}",
            "Running · 2 restarts",
        ),
        (
            "v1/Pod",
            "{status: {phase: Pending, containerStatuses: [{state: {waiting: {reason: ImagePullBackOff}}}]}}",
            "ImagePullBackOff",
        ),
        (
            "v1/Pod",
            "{status: {phase: Succeeded, containerStatuses: [{state: {terminated: {reason: Completed}}}]}}",
            "Completed",
        ),
        (
            "v1/Service",
            "{spec: {clusterIP: 10.0.14.7, ports: [{port: 8080}]}}",
            "10.0.14.7:8080",
        ),
        (
            "v1/Service",
            "{spec: {clusterIP: None, ports: [{port: 1}]}}",
            "headless",
        ),
        ("v1/Secret", "{data: {a: c2VjcmV0, b: c2VjcmV0}}", "2 keys"),
        (
            "v1/ConfigMap",
            "{data: {a: x}, binaryData: {b: eA==}}",
            "2 keys",
        ),
        ("v1/ConfigMap", "{}", ""),
        (
            "v1/ResourceQuota",
            "{spec: {hard: {requests.cpu: '4', memory: 8Gi}}}",
            "cpu 4, memory 8Gi",
        ),
        (
            "v1/PersistentVolumeClaim",
            "{status: {phase: Bound, capacity: {storage: 10Gi}}}",
            "Bound, 10Gi",
        ),
        ("batch/v1/Job", "{status: {succeeded: 1}}", "1/1 completed"),
        (
            "batch/v1/CronJob",
            "{spec: {schedule: '0 3 * * *'}}",
            "0 3 * * *",
        ),
        (
            "networking.k8s.io/v1/Ingress",
            "{spec: {rules: [{host: a.example.com}, {host: b}]}}",
            "a.example.com and 1 more",
        ),
        (
            "autoscaling/v2/HorizontalPodAutoscaler",
            "{spec: {minReplicas: 2, maxReplicas: 9}, status: {currentReplicas: 3}}",
            "3 of 2–9 replicas",
        ),
        (
            "discovery.k8s.io/v1/EndpointSlice",
            "{endpoints: [{addresses: [10.0.1.2], conditions: {ready: true}}], ports: [{port: 80}]}",
            "10.0.1.2:80",
        ),
        (
            "discovery.k8s.io/v1/EndpointSlice",
            "{endpoints: [{conditions: {ready: true}}, {conditions: {ready: false}}]}",
            "1/2 ready",
        ),
        (
            "rbac.authorization.k8s.io/v1/Role",
            "{rules: [{}]}",
            "1 rule",
        ),
        (
            "rbac.authorization.k8s.io/v1/RoleBinding",
            "{roleRef: {kind: Role, name: reader}}",
            "Role reader",
        ),
    ] {
        let (api_version, kind) = api.rsplit_once('/').unwrap();
        let mut body: Value = serde_saphyr::from_str(yaml).unwrap();
        body["apiVersion"] = json!(api_version);
        body["kind"] = json!(kind);
        assert_eq!(detail(&body), expected, "{api} {yaml}");
    }
}

#[test]
fn images_are_shortened() {
    for (image, short) in [
        (
            "registry.example.com:5000/shop/checkout:2.9.1",
            "checkout:2.9.1",
        ),
        ("nginx", "nginx"),
        ("ghcr.io/a/b@sha256:0123456789abcdef", "b@01234567"),
        ("ghcr.io/a/b:1.2@sha256:0123456789abcdef", "b:1.2"),
    ] {
        assert_eq!(short_image(image), short);
    }
}
