{{/* The pod that Deployment and StatefulSet have in common. */}}

{{- define "insights-exporter.arguments" -}}
{{ include "insights-exporter.ownArguments" . }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "insights-exporter.ownArguments" -}}
{{ include "insights-exporter.webArguments" (dict "root" . "address" (printf ":%d" (int .Values.containerPort))) }}
- --web.telemetry-path={{ .Values.web.telemetryPath }}
{{- with include "insights-exporter.externalUrl" . }}
- --web.external-url={{ . }}
{{- if not (include "insights-exporter.routePrefix" $) }}
- --web.route-prefix=/
{{- end }}
{{- end }}
{{- if .Values.web.enableLifecycle }}
- --web.enable-lifecycle
{{- end }}
{{- if not (kindIs "invalid" .Values.web.maxRequests) }}
- --web.max-requests={{ int .Values.web.maxRequests }}
{{- end }}
- --log.level={{ .Values.log.level }}
- --log.format={{ .Values.log.format }}
{{- if .Values.sharding.enabled }}
- --shard=auto
- --total-shards={{ max 1 (int .Values.replicas) }}
{{- end }}
{{- end -}}

{{/* The flags that `health` needs to reach the exporter of `root` at `address`. */}}
{{- define "insights-exporter.webArguments" -}}
- --web.listen-address={{ .address }}
{{- if include "insights-exporter.webSecret" .root }}
- --web.config.file=/etc/insights-exporter/web/web.yaml
{{- end }}
{{- with include "insights-exporter.routePrefix" .root }}
- --web.route-prefix={{ . }}
{{- end }}
{{- end -}}

{{/* A probe of `path` with the fields of `own`, which may bring its own handler. */}}
{{- define "insights-exporter.probe" -}}
{{- if not (or .own.httpGet .own.exec .own.tcpSocket .own.grpc) -}}
{{- if include "insights-exporter.mayReject" .root -}}
exec:
  command:
    - insights-exporter
    - health
    {{- if eq .path "/-/ready" }}
    - --ready
    {{- end }}
    {{- include "insights-exporter.webArguments" (dict "root" .root "address" (printf ":%d" (int .root.Values.containerPort))) | nindent 4 }}
{{- else -}}
httpGet:
  path: {{ include "insights-exporter.routePrefix" .root }}{{ .path }}
  port: metrics
  scheme: {{ include "insights-exporter.scheme" .root | upper }}
{{- end }}
{{ end -}}
{{- with .own }}
{{- toYaml . }}
{{- end }}
{{- end -}}

{{- define "insights-exporter.container" -}}
name: insights-exporter
image: {{ include "insights-exporter.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: {{- include "insights-exporter.arguments" . | nindent 2 }}
ports:
  - name: metrics
    containerPort: {{ .Values.containerPort }}
    protocol: TCP
env:
  # No argument, so that other commands of the exporter in the pod use the same config.
  - name: INSIGHTS_EXPORTER_CONFIG_FILE
    value: /etc/insights-exporter/config/config.yaml
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.extraEnvFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if ne (.Values.startupProbe.enabled | toString) "false" }}
startupProbe: {{- include "insights-exporter.probe" (dict "root" . "own" (omit .Values.startupProbe "enabled") "path" "/-/healthy") | nindent 2 }}
{{- end }}
{{- if ne (.Values.livenessProbe.enabled | toString) "false" }}
livenessProbe: {{- include "insights-exporter.probe" (dict "root" . "own" (omit .Values.livenessProbe "enabled") "path" "/-/healthy") | nindent 2 }}
{{- end }}
{{- if ne (.Values.readinessProbe.enabled | toString) "false" }}
readinessProbe: {{- include "insights-exporter.probe" (dict "root" . "own" (omit .Values.readinessProbe "enabled") "path" "/-/ready") | nindent 2 }}
{{- end }}
resources: {{- toYaml .Values.resources | nindent 2 }}
securityContext: {{- toYaml .Values.securityContext | nindent 2 }}
volumeMounts:
  {{- include "insights-exporter.sources" . | fromYaml | include "insights-exporter.mounts" | trim | nindent 2 }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "insights-exporter.pod" -}}
{{- /* Tokens are read again at each poll; everything else in the files, such as TLS, is read at the start. */ -}}
{{- $files := list (include "insights-exporter.config" .) (include "insights-exporter.webConfig" .) -}}
{{- $annotations := dict "checksum/config" (join "\n" $files | sha256sum) -}}
{{- $labels := include "insights-exporter.selector" . | fromYaml -}}
metadata:
  annotations: {{- merge $annotations .Values.podAnnotations .Values.commonAnnotations | toYaml | nindent 4 }}
  labels: {{- merge $labels .Values.podLabels .Values.commonLabels | toYaml | nindent 4 }}
spec:
  serviceAccountName: {{ include "insights-exporter.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext: {{- toYaml .Values.podSecurityContext | nindent 4 }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with concat .Values.global.imagePullSecrets .Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.initContainers }}
  initContainers: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - {{ include "insights-exporter.container" . | nindent 6 | trim }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "insights-exporter.sources" . | fromYaml | include "insights-exporter.mountedVolumes" | trim | nindent 4 }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with include "insights-exporter.set" (list .Values "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" "runtimeClassName" "schedulerName" "hostAliases" "dnsPolicy" "dnsConfig") }}
  {{- nindent 2 . }}
  {{- end }}
{{- end -}}
