{{/* The exporter's files: configuration, tokens, web configuration. */}}

{{/* The name by which a deployment's token is kept: its own, which is its URL's host by default. */}}
{{- define "insights-exporter.tokenKey" -}}
{{- $url := urlParse (.url | default "") -}}
{{- $usual := eq $url.scheme "https" | ternary ":443" ":80" -}}
{{- .name | default ($url.host | lower | trimSuffix $usual) -}}
{{- end -}}

{{/* Non-empty if a deployment, or `defaults`, sets a token. */}}
{{- define "insights-exporter.hasToken" -}}
{{- or .token .token_file .token_env | default "" -}}
{{- end -}}

{{/* The values of `config`; deployments without a token use the mounted one. */}}
{{- define "insights-exporter.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $_ := set $config "deployments" ($config.deployments | default list) -}}
{{- if not (include "insights-exporter.hasToken" ($config.defaults | default dict)) -}}
{{- range $config.deployments -}}
{{- if not (include "insights-exporter.hasToken" .) -}}
{{- $_ := set . "token_file" (printf "/etc/insights-exporter/tokens/%s" (include "insights-exporter.tokenKey" .)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ toYaml $config }}
{{- end -}}

{{/* The Secret with the configuration file; empty where a ConfigMap holds it. */}}
{{- define "insights-exporter.configSecret" -}}
{{- $own := .Values.configInSecret | ternary (include "insights-exporter.fullname" .) "" -}}
{{- .Values.existingConfigSecret | default $own -}}
{{- end -}}

{{/* The Secret with the tokens; empty where there is none. */}}
{{- define "insights-exporter.tokenSecret" -}}
{{- $own := empty .Values.tokens | ternary "" (printf "%s-tokens" (include "insights-exporter.fullname" .)) -}}
{{- .Values.existingSecret | default $own -}}
{{- end -}}

{{/* The values of `web.config`, with the certificate of `web.tlsSecret`; empty if both are empty. */}}
{{- define "insights-exporter.webConfig" -}}
{{- $config := deepCopy .Values.web.config -}}
{{- if and .Values.web.tlsSecret (not $config.tls_server_config) -}}
{{- $tls := "/etc/insights-exporter/tls" -}}
{{- $files := dict "cert_file" (printf "%s/tls.crt" $tls) "key_file" (printf "%s/tls.key" $tls) -}}
{{- $_ := set $config "tls_server_config" $files -}}
{{- end -}}
{{- with $config }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* The Secret with the web configuration file; empty where there is none. */}}
{{- define "insights-exporter.webSecret" -}}
{{- $own := printf "%s-web" (include "insights-exporter.fullname" .) -}}
{{- .Values.web.existingSecret | default (include "insights-exporter.webConfig" . | empty | ternary "" $own) -}}
{{- end -}}

{{/* The path prefix of all endpoints, without a trailing slash; may be empty. */}}
{{- define "insights-exporter.routePrefix" -}}
{{- with trimAll "/" .Values.web.routePrefix }}/{{ . }}{{ end -}}
{{- end -}}

{{/* The URL under which users reach the exporter, without a slash at its end; empty if it is not known. */}}
{{- define "insights-exporter.externalUrl" -}}
{{- $url := .Values.web.externalUrl -}}
{{- if .Values.route.enabled -}}
{{- $path := ((first .Values.route.matches).path | default dict).value | default "" -}}
{{- $url = $url | default (include "insights-exporter.url" (list "https" (first .Values.route.hostnames) $path)) -}}
{{- end -}}
{{- if .Values.ingress.enabled -}}
{{- $host := first .Values.ingress.hosts -}}
{{- $scheme := empty .Values.ingress.tls | ternary "http" "https" -}}
{{- $url = $url | default (include "insights-exporter.url" (list $scheme $host.host (first $host.paths).path)) -}}
{{- end -}}
{{- trimSuffix "/" $url -}}
{{- end -}}

{{/* The URL of a scheme, a host and a path, of which a pattern is cut off; empty without a host of its own. */}}
{{- define "insights-exporter.url" -}}
{{- $host := index . 1 | default "" -}}
{{- if and $host (not (hasPrefix "*" $host)) -}}
{{- printf "%s://%s%s" (first .) $host (regexFind "^(/[-._~A-Za-z0-9]+)*" (last .)) -}}
{{- end -}}
{{- end -}}

{{/* http or https */}}
{{- define "insights-exporter.scheme" -}}
{{- $web := include "insights-exporter.webConfig" . | fromYaml -}}
{{- $tls := and $web.tls_server_config (not .Values.web.existingSecret) -}}
{{- .Values.web.scheme | default (empty $tls | ternary "http" "https") -}}
{{- end -}}

{{/* Non-empty if a plain request can be rejected, for lack of a user or certificate or by a limit. */}}
{{- define "insights-exporter.mayReject" -}}
{{- $web := include "insights-exporter.webConfig" . | fromYaml -}}
{{- $tls := $web.tls_server_config | default dict -}}
{{- if or .Values.web.existingSecret $web.basic_auth_users $web.rate_limit $tls.client_auth_type }}true{{ end -}}
{{- end -}}

{{/* The ports of all Coder deployments, and of the proxies before them, as a JSON list. */}}
{{- define "insights-exporter.ports" -}}
{{- $ports := list -}}
{{- range prepend (.Values.config.deployments | default list) (.Values.config.defaults | default dict) -}}
{{- range $url := list .url .proxy | compact -}}
{{- $url = urlParse $url -}}
{{- $usual := eq $url.scheme "https" | ternary "443" "80" -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default $usual | int) -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | sortAlpha | default (list 80 443) | toJson -}}
{{- end -}}
