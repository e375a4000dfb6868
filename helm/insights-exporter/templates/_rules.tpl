{{/* The groups of one file of rules; its own `{{ }}` are Prometheus'. */}}

{{- define "insights-exporter.ruleGroups" -}}
{{- $groups := list -}}
{{- range $group := (.content | toString | fromYaml).groups -}}
{{- $rules := list -}}
{{- range $rule := $group.rules -}}
{{- $own := get $.root.Values.rules.alerts ($rule.alert | default "") | default dict -}}
{{- if ne (get $own "enabled" | toString) "false" -}}
{{- if $rule.alert -}}
{{- include "insights-exporter.changeAlert" (dict "root" $.root "rule" $rule "own" $own) -}}
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

{{/* Apply rules.alerts, rules.alertLabels and rules.grafanaUrl to an alert, in place. */}}

{{- define "insights-exporter.changeAlert" -}}
{{- $rule := .rule -}}
{{- $severity := get .own "severity" -}}
{{- if kindIs "map" $severity -}}
{{- $severity = get $severity $rule.labels.severity -}}
{{- end -}}
{{- $labels := merge (dict) .root.Values.rules.alertLabels $rule.labels -}}
{{- with $severity }}{{ $_ := set $labels "severity" . }}{{ end -}}
{{- $_ := set $rule "labels" $labels -}}
{{- with get .own "for" }}{{ $_ := set $rule "for" . }}{{ end -}}
{{/* A threshold is the number before `  # NAME` at the end of a line of PromQL. */}}
{{- range $name, $value := get .own "thresholds" | default dict -}}
{{- $number := printf "(?m)[0-9.]+(  # %s)$" $name -}}
{{- $_ := set $rule "expr" (regexReplaceAll $number $rule.expr (printf "%v${1}" $value)) -}}
{{- end -}}
{{- $url := trimSuffix "/" .root.Values.rules.grafanaUrl -}}
{{- $_ := set $rule.annotations "dashboard_url" (printf "%s%s" $url $rule.annotations.dashboard_url) -}}
{{- end -}}
