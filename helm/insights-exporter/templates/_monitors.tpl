{{/* The fields that ServiceMonitor and PodMonitor share. */}}

{{- define "insights-exporter.endpoint" -}}
port: metrics
path: {{ include "insights-exporter.routePrefix" .root }}{{ .root.Values.web.telemetryPath }}
scheme: {{ include "insights-exporter.scheme" .root }}
{{- with include "insights-exporter.set" (list .own "interval" "scrapeTimeout" "params" "honorLabels" "relabelings" "metricRelabelings" "tlsConfig" "basicAuth" "authorization" "proxyUrl") }}
{{ . }}
{{- end }}
{{- with .own.endpoint }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "insights-exporter.monitor" -}}
namespaceSelector:
  matchNames: [{{ include "insights-exporter.namespace" .root }}]
selector:
  matchLabels: {{- include "insights-exporter.selector" .root | nindent 4 }}
{{- with include "insights-exporter.set" (list .own "jobLabel" "podTargetLabels" "bodySizeLimit") }}
{{ . }}
{{- end }}
{{- include "insights-exporter.limits" .own }}
{{- with .own.spec }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* On lines of its own, since there may be none. */}}
{{- define "insights-exporter.limits" -}}
{{- with include "insights-exporter.set" (list . "sampleLimit" "targetLimit" "labelLimit" "labelNameLengthLimit" "labelValueLengthLimit" "keepDroppedTargets") }}
{{ . }}
{{- end }}
{{- end -}}
