{{/* Reject values that cannot work before anything is installed, with the reason and the remedy. */}}

{{- define "insights-exporter.validateValues" -}}
{{- include "insights-exporter.validateReplicas" . -}}
{{- include "insights-exporter.validateExclusiveValues" . -}}
{{- include "insights-exporter.validateExtraArgs" . -}}
{{- if not .Values.existingConfigSecret -}}
{{- include "insights-exporter.validateConfigSecrets" . -}}
{{- include "insights-exporter.validateTokens" . -}}
{{- end -}}
{{- end -}}

{{- define "insights-exporter.validateReplicas" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.sharding.enabled) -}}
{{- fail (printf "replicas: each of %d pods would poll every deployment, which multiplies the load on Coder and all series; set it to 1, or set sharding.enabled to share the deployments among the pods" (int .Values.replicas)) -}}
{{- end -}}
{{- if and .Values.sharding.enabled (ne .Values.service.type "ClusterIP") -}}
{{- fail (printf "service.type: %s is not possible with sharding.enabled, because the Service is headless; set it to ClusterIP" .Values.service.type) -}}
{{- end -}}
{{- end -}}

{{- define "insights-exporter.validateExclusiveValues" -}}
{{- if and .Values.tokens .Values.existingSecret -}}
{{- fail "tokens, existingSecret: only one of them can be mounted; move all tokens to the Secret of existingSecret, or remove existingSecret" -}}
{{- end -}}
{{- if and .Values.web.config .Values.web.existingSecret -}}
{{- fail "web.config, web.existingSecret: only one of them can be used; remove one" -}}
{{- end -}}
{{- if and .Values.existingConfigSecret .Values.config.deployments -}}
{{- fail "config.deployments, existingConfigSecret: the file in the Secret replaces config; move the deployments there, or remove existingConfigSecret" -}}
{{- end -}}
{{- end -}}

{{- define "insights-exporter.validateExtraArgs" -}}
{{- $own := list -}}
{{- range splitList "\n" (include "insights-exporter.ownArguments" .) -}}
{{- $own = append $own (trimPrefix "- " . | splitList "=" | first) -}}
{{- end -}}
{{- range $argument := .Values.extraArgs -}}
{{- $flag := splitList "=" $argument | first -}}
{{- if and (has $flag $own) (ne $flag "--web.listen-address") -}}
{{- fail (printf "extraArgs: %s is already set by the chart; use the value of the chart instead" $flag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "insights-exporter.validateConfigSecrets" -}}
{{- if not .Values.configInSecret -}}
{{- range $index, $part := prepend (.Values.config.deployments | default list) (.Values.config.defaults | default dict) -}}
{{- $place := eq $index 0 | ternary "config.defaults" (printf "config.deployments[%d]" (sub $index 1)) -}}
{{- $found := list -}}
{{- if $part.token }}{{ $found = append $found "token" }}{{ end -}}
{{- if ($part.users | default dict).key }}{{ $found = append $found "users.key" }}{{ end -}}
{{- if $part.headers }}{{ $found = append $found "headers" }}{{ end -}}
{{- if contains "@" ($part.proxy | default "") }}{{ $found = append $found "proxy" }}{{ end -}}
{{- with $found -}}
{{- fail (printf "%s.%s: secrets must not be stored in a ConfigMap; use tokens or existingSecret for tokens and users.key_file for keys, or set configInSecret to store the config file in a Secret" $place (first .)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "insights-exporter.validateTokens" -}}
{{- $names := list -}}
{{- $shared := include "insights-exporter.hasToken" (.Values.config.defaults | default dict) -}}
{{- range $index, $deployment := .Values.config.deployments -}}
{{- $name := include "insights-exporter.tokenKey" . -}}
{{- if has $name $names -}}
{{- fail (printf "config.deployments[%d]: duplicate name %q; use a unique name" $index $name) -}}
{{- end -}}
{{- $names = append $names $name -}}
{{- if not (or $shared (include "insights-exporter.hasToken" .)) -}}
{{- if not (regexMatch "^[-._a-zA-Z0-9]+$" $name) -}}
{{- fail (printf "config.deployments[%d]: %q cannot be the key of a token in a Secret; use a name of letters, digits, '.', '_' and '-', or set token_file" $index $name) -}}
{{- end -}}
{{- if not (or $.Values.existingSecret (hasKey $.Values.tokens $name)) -}}
{{- fail (printf "config.deployments[%d]: %q has no token; set existingSecret to a Secret with the key %q, or set tokens.%s, token_file or token_env" $index $name $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $token := .Values.tokens -}}
{{- if not (has $name $names) -}}
{{- fail (printf "tokens.%s: unknown deployment; config.deployments has: %s" $name (empty $names | ternary "none" (join ", " $names))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
