{{- define "tare.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "tare.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "tare.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "tare.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "tare.selectorLabels" -}}
app.kubernetes.io/name: {{ include "tare.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tare.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "tare.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "tare.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "tare.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Cluster-scoped names carry the namespace: two releases of one name in two namespaces do not meet. */}}
{{- define "tare.clusterName" -}}
{{- printf "%s-%s" (include "tare.namespace" .) (include "tare.fullname" .) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "tare.clusterRoleName" -}}
{{- default (include "tare.clusterName" .) .Values.clusterRole.name }}
{{- end }}

{{- define "tare.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* "true" where the API server is asked for anything at all. Scrapes of the kubelet need the shared watch too: they cost the
     API server reviews, so they have to know the number of nodes. */}}
{{- define "tare.asksServer" -}}
{{- if or .Values.presets.kubernetesAttributes.enabled .Values.presets.kubeletMetrics.enabled }}true{{ end }}
{{- end }}

{{/* Nodes that the cluster has now: as given, or counted where Helm talks to a cluster; 0 for unknown. What was counted is
     rounded up to a power of two, so that an upgrade after a change of a few nodes changes no configuration and rolls
     nothing out. */}}
{{- define "tare.hint" -}}
{{- if gt (int .Values.cluster.hint) 0 }}
{{- int .Values.cluster.hint }}
{{- else if ne (toString .Values.cluster.size) "auto" }}0
{{- else }}
{{- $nodes := lookup "v1" "Node" "" "" }}
{{- if and $nodes $nodes.items }}
{{- $hint := 1 }}
{{- range until 20 }}{{ if lt $hint (len $nodes.items) }}{{ $hint = mul 2 $hint }}{{ end }}{{ end }}
{{- $hint }}
{{- else }}0{{ end }}
{{- end }}
{{- end }}

{{- define "tare.securityContext" -}}
{{- $own := dict
      "runAsUser" 65532
      "runAsGroup" 65532
      "runAsNonRoot" true
      "allowPrivilegeEscalation" false
      "readOnlyRootFilesystem" true
      "capabilities" (dict "drop" (list "ALL"))
      "seccompProfile" (dict "type" "RuntimeDefault") }}
{{- toYaml (mergeOverwrite $own (deepCopy .Values.securityContext)) }}
{{- end }}
