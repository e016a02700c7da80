{{- define "directory-sync.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "directory-sync.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "directory-sync.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Cluster-scoped names carry the namespace, so that two releases of one name can live side by side. */}}
{{- define "directory-sync.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "directory-sync.fullname" .) -}}
{{- end -}}

{{- define "directory-sync.leaderElectionName" -}}
{{- printf "%s-leader-election" (include "directory-sync.fullname" .) -}}
{{- end -}}

{{- define "directory-sync.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "directory-sync.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name must name an existing ServiceAccount when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "directory-sync.selectorLabels" -}}
app.kubernetes.io/name: {{ include "directory-sync.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/*
Labels and annotations of one object: those of the chart, of the values for all objects, and its own.
Called with a dict: root, and, where the object has its own, labels and annotations.
*/}}
{{- define "directory-sync.metadata" -}}
{{- $root := .root -}}
labels:
  helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
  {{- include "directory-sync.selectorLabels" $root | nindent 2 }}
  app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ $root.Release.Service }}
  {{- with mergeOverwrite (deepCopy $root.Values.commonLabels) (.labels | default dict) }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with mergeOverwrite (deepCopy $root.Values.commonAnnotations) (.annotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The watched namespaces as JSON, each once. Empty in cluster mode. */}}
{{- define "directory-sync.watchNamespaces" -}}
{{- if .Values.clusterWide -}}
{{- if .Values.watchNamespaces -}}
{{- fail "clusterWide: true watches every namespace; leave watchNamespaces empty, or set clusterWide: false" -}}
{{- end -}}
[]
{{- else -}}
{{- .Values.watchNamespaces | default (list .Release.Namespace) | uniq | toJson -}}
{{- end -}}
{{- end -}}

{{/* The seconds of a duration such as 1m30s; values.schema.json sees to its form. */}}
{{- define "directory-sync.seconds" -}}
{{- $seconds := 0 -}}
{{- range regexFindAll "[0-9]+[smh]" . -1 -}}
{{- $unit := get (dict "s" 1 "m" 60 "h" 3600) (regexFind "[smh]" .) -}}
{{- $seconds = add $seconds (mul (regexFind "[0-9]+" . | int64) $unit) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}

{{/* Fails for what the operator would refuse at its start. */}}
{{- define "directory-sync.refused" -}}
{{- with .Values.leaderElection -}}
{{- if .enabled -}}
{{- $lease := include "directory-sync.seconds" .leaseDuration | int64 -}}
{{- $deadline := include "directory-sync.seconds" .renewDeadline | int64 -}}
{{- $retry := include "directory-sync.seconds" .retryPeriod | int64 -}}
{{- if le $lease $deadline -}}
{{- fail (printf "leaderElection.leaseDuration (%s) must be longer than leaderElection.renewDeadline (%s): the next holder would start before this one has stopped" .leaseDuration .renewDeadline) -}}
{{- end -}}
{{- if or (eq $retry 0) (gt (mul 2 $retry) $deadline) -}}
{{- fail (printf "leaderElection.retryPeriod (%s) must not be zero, and at most half of leaderElection.renewDeadline (%s)" .retryPeriod .renewDeadline) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if eq (int .Values.metrics.port) (int .Values.health.port) -}}
{{- fail (printf "metrics.port and health.port are both %d; give one of them another" (int .Values.health.port)) -}}
{{- end -}}
{{- end -}}

{{/* The rights of the operator: all that it does, and nothing else. */}}
{{- define "directory-sync.rules" -}}
# Finalizers are set by a patch of the Directory itself.
- apiGroups: [directory-sync.io]
  resources: [directories]
  verbs: [get, list, watch, patch]
- apiGroups: [directory-sync.io]
  resources: [directories/status]
  verbs: [patch]
- apiGroups: [directory-sync.io]
  resources: [directoryusers, directorygroups, directoryslices]
  verbs: [get, list, watch, create, patch, delete, deletecollection]
# Replaced, not patched: a version that somebody else has written since is refused. Listed to see that the kind is there.
- apiGroups: [directory-sync.io]
  resources: [directorycheckpoints]
  verbs: [get, list, create, update, delete]
# One at a time and by name; never a list of all.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
  {{- with .Values.secrets.resourceNames }}
  resourceNames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
  {{- with .Values.configMaps.resourceNames }}
  resourceNames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- if .Values.configMapOutput.enabled }}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, update, deletecollection]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* The peers and ports of one rule of the network policy. Called with a dict: key (from or to), peers, ports, protocols. */}}
{{- define "directory-sync.networkRule" -}}
- ports:
    {{- range $port := .ports }}
    {{- range $.protocols }}
    - port: {{ $port }}
      protocol: {{ . }}
    {{- end }}
    {{- end }}
  {{- with .peers }}
  {{ $.key }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
