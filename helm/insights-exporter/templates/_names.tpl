{{/* Names and labels of objects. */}}

{{- define "insights-exporter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for the labels and names that Kubernetes makes of it. */}}
{{- define "insights-exporter.fullname" -}}
{{- $name := include "insights-exporter.name" . -}}
{{- $long := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $long | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "insights-exporter.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{- define "insights-exporter.serviceAccountName" -}}
{{- $default := .Values.serviceAccount.create | ternary (include "insights-exporter.fullname" .) "default" -}}
{{- .Values.serviceAccount.name | default $default -}}
{{- end -}}

{{/* With sharding a name of its own, since a Service cannot become headless. */}}
{{- define "insights-exporter.serviceName" -}}
{{- include "insights-exporter.fullname" . }}{{ if .Values.sharding.enabled }}-shards{{ end -}}
{{- end -}}

{{- define "insights-exporter.image" -}}
{{- $registry := .Values.global.imageRegistry | default .Values.image.registry -}}
{{- $version := printf ":%s" (.Values.image.tag | default .Chart.AppVersion) -}}
{{- with .Values.image.digest }}{{ $version = printf "@%s" . }}{{ end -}}
{{- with $registry }}{{ . }}/{{ end }}{{ .Values.image.repository }}{{ $version -}}
{{- end -}}

{{- define "insights-exporter.selector" -}}
app.kubernetes.io/name: {{ include "insights-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "insights-exporter.labels" -}}
{{ include "insights-exporter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{/*
The metadata of an object of `root`: `own` may hold its `namespace`, `labels` and `annotations`, `suffix` ends its
name.
*/}}
{{- define "insights-exporter.metadata" -}}
{{- $labels := include "insights-exporter.labels" .root | fromYaml -}}
{{- $annotations := merge (dict) (.own.annotations | default dict) .root.Values.commonAnnotations -}}
name: {{ include "insights-exporter.fullname" .root }}{{ .suffix }}
namespace: {{ .own.namespace | default (include "insights-exporter.namespace" .root) }}
labels: {{- merge $labels (.own.labels | default dict) .root.Values.commonLabels | toYaml | nindent 2 }}
{{- with $annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Of a list of a map and names: those of the map's entries with these names that are set. */}}
{{- define "insights-exporter.set" -}}
{{- $set := dict -}}
{{- range $key := rest . -}}
{{- $value := get (first $) $key -}}
{{- if or $value (kindIs "float64" $value) (kindIs "int64" $value) -}}
{{- $_ := set $set $key $value -}}
{{- end -}}
{{- end -}}
{{- with $set }}{{ toYaml . }}{{ end -}}
{{- end -}}
