{{/* What cannot work is refused before anything is installed, with the reason and the remedy. */}}

{{- define "insights-exporter.refusals" -}}
{{- include "insights-exporter.refuseReplicas" . -}}
{{- include "insights-exporter.refuseTwoSources" . -}}
{{- include "insights-exporter.refuseRepeatedArguments" . -}}
{{- if not .Values.existingConfigSecret -}}
{{- include "insights-exporter.refuseOpenSecrets" . -}}
{{- include "insights-exporter.refuseTokens" . -}}
{{- end -}}
{{- end -}}

{{- define "insights-exporter.refuseReplicas" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.sharding.enabled) -}}
{{- fail (printf "replicas: %d pods would each poll every deployment, doubling the load on Coder and every series. Leave it at 1, or set sharding.enabled to share the deployments out among them." (int .Values.replicas)) -}}
{{- end -}}
{{- if and .Values.sharding.enabled (ne .Values.service.type "ClusterIP") -}}
{{- fail (printf "service.type: with sharding.enabled every pod is scraped by itself and the Service is headless, so %s cannot be. Leave it at ClusterIP." .Values.service.type) -}}
{{- end -}}
{{- end -}}

{{- define "insights-exporter.refuseTwoSources" -}}
{{- if and .Values.tokens .Values.existingSecret -}}
{{- fail "tokens, existingSecret: only one of them is mounted. Put all tokens into the Secret that existingSecret names, or leave it empty." -}}
{{- end -}}
{{- if and .Values.web.config .Values.web.existingSecret -}}
{{- fail "web.config, web.existingSecret: only one of them is used. Empty the other." -}}
{{- end -}}
{{- if and .Values.existingConfigSecret .Values.config.deployments -}}
{{- fail "config.deployments, existingConfigSecret: the file in the Secret replaces config. Move the deployments there, or leave existingConfigSecret empty." -}}
{{- end -}}
{{- end -}}

{{- define "insights-exporter.refuseRepeatedArguments" -}}
{{- $own := list -}}
{{- range splitList "\n" (include "insights-exporter.ownArguments" .) -}}
{{- $own = append $own (trimPrefix "- " . | splitList "=" | first) -}}
{{- end -}}
{{- range $argument := .Values.extraArgs -}}
{{- $flag := splitList "=" $argument | first -}}
{{- if and (has $flag $own) (ne $flag "--web.listen-address") -}}
{{- fail (printf "extraArgs: %s is set by the chart already, and the exporter accepts it only once. Use the value that sets it." $flag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "insights-exporter.refuseOpenSecrets" -}}
{{- if not .Values.configInSecret -}}
{{- range $index, $part := prepend (.Values.config.deployments | default list) (.Values.config.defaults | default dict) -}}
{{- $place := eq $index 0 | ternary "config.defaults" (printf "config.deployments[%d]" (sub $index 1)) -}}
{{- $found := list -}}
{{- if $part.token }}{{ $found = append $found "token" }}{{ end -}}
{{- if ($part.users | default dict).key }}{{ $found = append $found "users.key" }}{{ end -}}
{{- if $part.headers }}{{ $found = append $found "headers" }}{{ end -}}
{{- if contains "@" ($part.proxy | default "") }}{{ $found = append $found "proxy" }}{{ end -}}
{{- with $found -}}
{{- fail (printf "%s.%s: secrets do not belong in a ConfigMap. Give a token by tokens or existingSecret and a key by users.key_file, or set configInSecret to keep the whole file in a Secret." $place (first .)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "insights-exporter.refuseTokens" -}}
{{- $names := list -}}
{{- $shared := include "insights-exporter.hasToken" (.Values.config.defaults | default dict) -}}
{{- range $index, $deployment := .Values.config.deployments -}}
{{- $name := include "insights-exporter.tokenKey" . -}}
{{- if has $name $names -}}
{{- fail (printf "config.deployments[%d]: another deployment is called %q too. Give each a name of its own." $index $name) -}}
{{- end -}}
{{- $names = append $names $name -}}
{{- if not (or $shared (include "insights-exporter.hasToken" .)) -}}
{{- if not (regexMatch "^[-._a-zA-Z0-9]+$" $name) -}}
{{- fail (printf "config.deployments[%d]: a Secret cannot hold a token under the name %q. Give the deployment a name of letters, digits, '.', '_' and '-', or a token_file." $index $name) -}}
{{- end -}}
{{- if not (or $.Values.existingSecret (hasKey $.Values.tokens $name)) -}}
{{- fail (printf "config.deployments[%d]: nothing says what the token of %q is. Name a Secret that holds it under the key %q in existingSecret, or set tokens.%s, or give the deployment a token_file or token_env." $index $name $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $token := .Values.tokens -}}
{{- if not (has $name $names) -}}
{{- fail (printf "tokens.%s: no deployment is called that. config.deployments has: %s." $name (empty $names | ternary "none" (join ", " $names))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
