{{/* The folders below /etc/insights-exporter. */}}

{{/* Of each mounted folder: where its content is from. */}}
{{- define "insights-exporter.sources" -}}
config:
  {{- with include "insights-exporter.configSecret" . }}
  secret: {secretName: {{ . }}, defaultMode: 0440}
  {{- else }}
  configMap: {name: {{ include "insights-exporter.fullname" . }}}
  {{- end }}
{{- with include "insights-exporter.tokenSecret" . }}
tokens:
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- with include "insights-exporter.webSecret" . }}
web:
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- with .Values.web.tlsSecret }}
tls:
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end -}}

{{- define "insights-exporter.mountedVolumes" -}}
{{- range $name, $source := . }}
- name: {{ $name }}
  {{- toYaml $source | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "insights-exporter.mounts" -}}
{{- range $name, $source := . }}
- name: {{ $name }}
  mountPath: /etc/insights-exporter/{{ $name }}
  readOnly: true
{{- end }}
{{- end -}}
