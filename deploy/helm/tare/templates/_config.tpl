{{/* The configuration of the agent: what the presets say, with the value `config` merged over it. */}}
{{- define "tare.config" -}}
{{- $config := dict }}
{{- $_ := set $config "slo" (dict "control_plane" (dict
      "requests_per_second" .Values.slo.requestsPerSecond
      "list_bytes_per_second" .Values.slo.listBytesPerSecond
      "share" .Values.slo.share)) }}
{{- if include "tare.asksServer" . }}
{{- $_ := set $config "kube" (dict "enabled" true) }}
{{- else }}
{{- $_ := set $config "kube" (dict "enabled" false) }}
{{- end }}
{{- $cluster := dict "assume" (int .Values.cluster.assume) }}
{{- if ne (toString .Values.cluster.size) "auto" }}
{{- $_ := set $cluster "size" (int .Values.cluster.size) }}
{{- end }}
{{- with include "tare.hint" . | int }}
{{- $_ := set $cluster "hint" . }}
{{- end }}
{{- $_ := set $config "cluster" $cluster }}
{{- if .Values.dryRun }}
{{- $_ := set $config "dry_run" true }}
{{- end }}
{{- $_ := set $config "host" (include "tare.config.host" . | fromYaml) }}
{{- if .Values.presets.kubeletMetrics.enabled }}
{{- $subresources := list "stats" }}
{{- if .Values.presets.kubeletMetrics.pods }}
{{- $subresources = append $subresources "pods" }}
{{- end }}
{{- $_ := set $config "kubelet" (dict "access" "token" "subresources" $subresources) }}
{{- else }}
{{- $_ := set $config "containers" (dict "enabled" false) }}
{{- end }}
{{- with include "tare.config.enrich" . | fromYaml }}
{{- $_ := set $config "enrich" . }}
{{- end }}
{{- with .Values.otlp.endpoint }}
{{- $_ := set $config "outputs" (list (dict "name" "default" "otlp" (dict "endpoint" . "protocol" $.Values.otlp.protocol))) }}
{{- end }}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.config)) }}
{{- end }}

{{/* What is read of the node. Without its / there are no filesystems to see but the container's own. */}}
{{- define "tare.config.host" -}}
root: /hostfs
{{- if .Values.presets.hostMetrics.enabled }}
scrapers:
  cpu: {}
  disk: {}
  load: {}
  memory: {}
  network: {}
  paging: {}
  processes: {}
  system: {}
  {{- if .Values.hostRoot.enabled }}
  filesystem:
    exclude_fs_types:
      match_type: strict
      fs_types: [autofs, binfmt_misc, bpf, cgroup2, configfs, debugfs, devpts, devtmpfs, fusectl, hugetlbfs, iso9660, mqueue, nsfs, overlay, proc, procfs, pstore, rpc_pipefs, securityfs, selinuxfs, squashfs, sysfs, tracefs]
    exclude_mount_points:
      match_type: regexp
      mount_points: ['^/dev($|/)', '^/proc($|/)', '^/sys($|/)', '^/run/k3s/containerd($|/)', '^/var/lib/docker($|/)', '^/var/lib/kubelet($|/)', '^/snap($|/)']
  {{- end }}
{{- else }}
scrapers: {}
{{- end }}
{{- end }}

{{/* What of a pod becomes attributes; nothing where the defaults are meant. */}}
{{- define "tare.config.enrich" -}}
{{- $preset := .Values.presets.kubernetesAttributes }}
{{- if not .Values.presets.kubeletMetrics.enabled }}
{{- else if not $preset.enabled }}
enabled: false
{{- else if or $preset.extractAllPodLabels $preset.extractAllPodAnnotations }}
extract:
  {{- if $preset.extractAllPodLabels }}
  labels: [{tag_name: $1, key_regex: (.*), from: pod}]
  {{- end }}
  {{- if $preset.extractAllPodAnnotations }}
  annotations: [{tag_name: $1, key_regex: (.*), from: pod}]
  {{- end }}
{{- end }}
{{- end }}

{{/* What the ConfigMap holds, and its name: a changed value is another name, and so a rolling update. */}}
{{- define "tare.configMap.data" -}}
tare.yaml: {{ include "tare.config" . | quote }}
{{- with .Values.clusterCA.bundle }}
ca.crt: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "tare.configMap.name" -}}
{{- printf "%s-%s" (include "tare.fullname" . | trunc 52 | trimSuffix "-") (include "tare.configMap.data" . | sha256sum | trunc 10) }}
{{- end }}
