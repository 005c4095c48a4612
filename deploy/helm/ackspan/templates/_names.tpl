{{- define "ackspan.name" -}}
{{- if contains "ackspan" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-ackspan{{ end -}}
{{- end }}

{{- define "ackspan.selector" -}}
app.kubernetes.io/name: ackspan
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ackspan.labels" -}}
{{ include "ackspan.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "ackspan.kind" -}}
{{ if eq .Values.store.kind "volume" }}StatefulSet{{ else }}Deployment{{ end }}
{{- end }}
