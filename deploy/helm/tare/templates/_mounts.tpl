{{/* What of the node is mounted read-only below /hostfs: the least that the presets need, or all of it. */}}
{{- define "tare.hostMounts" -}}
{{- if .Values.hostRoot.enabled }}
- {name: host-root, path: /, propagation: HostToContainer}
{{- else }}
{{- if or .Values.presets.hostMetrics.enabled .Values.presets.kubeletMetrics.enabled }}
- {name: host-proc, path: /proc}
# CPUs and their topology.
- {name: host-sys-cpu, path: /sys/devices/system/cpu}
{{- end }}
{{- if .Values.presets.kubeletMetrics.enabled }}
- {name: host-cgroup, path: /sys/fs/cgroup, propagation: HostToContainer}
# Links whose names and targets name the containers. DirectoryOrCreate: a new node has none yet.
- {name: host-log-names, path: /var/log/containers, type: DirectoryOrCreate}
{{- end }}
{{- end }}
{{- end }}
