{{- /* What Argo CD adds to Sprig. */ -}}
{{- define "lockstep.normalize" -}}
{{- regexReplaceAll "[^-a-z0-9.]" (lower .) "-" | trunc 253 | trimAll "-." -}}
{{- end -}}
{{- define "lockstep.slugify" -}}
{{- $longest := 50 -}}
{{- $smart := true -}}
{{- if gt (len .) 1 }}{{ $longest = int (first .) }}{{ end -}}
{{- if gt (len .) 2 }}{{ $smart = index . 1 }}{{ end -}}
{{- $text := regexReplaceAll "[^a-z0-9]+" (include "lockstep.normalize" (last .)) "-" | trimAll "-" -}}
{{- $cut := substr 0 (int (add $longest 1)) $text -}}
{{- if le (len $text) $longest -}}
{{- $text -}}
{{- else if and $smart (contains "-" $cut) -}}
{{- regexReplaceAll "-[^-]*$" $cut "" -}}
{{- else -}}
{{- substr 0 $longest $text -}}
{{- end -}}
{{- end -}}
