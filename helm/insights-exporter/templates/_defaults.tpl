{{/* Each value that is absent, as Helm makes one that is set to null, gets its default from values.yaml. */}}

{{- define "insights-exporter.defaults" -}}
{{- if not (hasKey .Values "defaultsAreSet") -}}
{{- $_ := set .Values "defaultsAreSet" true -}}
{{- range $value := .Files.Get "defaults.json" | fromJsonArray -}}
{{- $map := $.Values -}}
{{- range $key := initial $value.path -}}
{{- if kindIs "invalid" (index $map $key) -}}
{{- $_ := set $map $key dict -}}
{{- end -}}
{{- $map = index $map $key -}}
{{- end -}}
{{- if kindIs "invalid" (index $map (last $value.path)) -}}
{{- $_ := set $map (last $value.path) $value.default -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
