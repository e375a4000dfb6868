{{/* The groups of one file of rules, read as it is: its own `{{ }}` are Prometheus'. */}}

{{- define "insights-exporter.ruleGroups" -}}
{{- $groups := list -}}
{{- range $group := (.content | toString | fromYaml).groups -}}
{{- $rules := list -}}
{{- range $rule := $group.rules -}}
{{- if not (has ($rule.alert | default "") $.root.Values.rules.disabledAlerts) -}}
{{- if $rule.alert -}}
{{- $_ := set $rule "labels" (merge (dict) $.root.Values.rules.alertLabels ($rule.labels | default dict)) -}}
{{- $annotations := $rule.annotations | default dict -}}
{{- with $annotations.dashboard_url -}}
{{- $_ := set $annotations "dashboard_url" (printf "%s%s" (trimSuffix "/" $.root.Values.rules.grafanaUrl) .) -}}
{{- end -}}
{{- end -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- end -}}
{{- with $rules -}}
{{- $groups = append $groups (merge (dict "rules" .) $group) -}}
{{- end -}}
{{- end -}}
{{- with $groups }}{{ toYaml . }}{{ end -}}
{{- end -}}
