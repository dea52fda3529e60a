{{- define "neo.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/name: neo-assets
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: neo-assets
{{- end }}

{{- define "neo.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end }}

{{- define "neo.cudaImage" -}}
{{ .Values.image.repository }}:{{ .Values.image.cudaTag }}
{{- end }}

{{- define "neo.lake" -}}
{{ .Values.lake.uri | default "/lake" }}
{{- end }}

{{- define "neo.hasWork" -}}
{{- if or .Values.work.create .Values.lake.uri }}true{{ end }}
{{- end }}

{{/* What every process needs to know, jobs included. */}}
{{- define "neo.jobEnvironment" -}}
{{- $all := dict }}
{{- if include "neo.hasWork" . }}{{ $_ := set $all "NEO_WORK" "/work" }}{{ end }}
{{- with .Values.lake.endpoint }}{{ $_ := set $all "AWS_ENDPOINT_URL" . }}{{ end }}
{{- with .Values.lake.region }}{{ $_ := set $all "AWS_REGION" . }}{{ end }}
{{- range $name, $value := .Values.environment }}{{ $_ := set $all $name ($value | toString) }}{{ end }}
{{- toYaml $all }}
{{- end }}

{{- define "neo.environment" -}}
{{- $all := include "neo.jobEnvironment" . | fromYaml }}
{{- $recipe := ternary "/etc/neo/recipe.yaml" .Values.recipe.name (not (empty .Values.recipe.text)) }}
{{- $all = merge $all (dict
      "NEO_LAKE" (include "neo.lake" .)
      "NEO_RECIPE" $recipe
      "NEO_ENGINE" .Values.engine.name
      "NEO_COMPUTE" .Values.compute.where
      "NEO_POD_PROFILES" "/etc/neo/profiles.yaml") }}
{{- if eq .Values.engine.name "spark" }}
{{- $all = merge $all (dict "NEO_SPARK_MASTER" .Values.spark.master "NEO_SPARK_PROPERTIES" "/etc/neo/spark-defaults.conf") }}
{{- end }}
{{- toYaml $all }}
{{- end }}

{{/* Sources of secret environment variables, each passed over if it does not exist. */}}
{{- define "neo.envFrom" -}}
{{- $sources := list }}
{{- range .Values.secrets }}{{ $sources = append $sources (dict "secretRef" (dict "name" . "optional" true)) }}{{ end }}
{{- toYaml $sources }}
{{- end }}

{{/* The volumes of job pods and executors, and where they are mounted: a map of two lists. */}}
{{- define "neo.volumes" -}}
{{- $volumes := list (dict "name" "scratch" "emptyDir" (dict "sizeLimit" .Values.compute.scratchSize)) }}
{{- $mounts := list (dict "name" "scratch" "mountPath" "/tmp") }}
{{- if not .Values.lake.uri }}
{{- $volumes = append $volumes (dict "name" "lake" "persistentVolumeClaim" (dict "claimName" .Values.lake.volume.claim)) }}
{{- $mounts = append $mounts (dict "name" "lake" "mountPath" "/lake") }}
{{- end }}
{{- if include "neo.hasWork" . }}
{{- $volumes = append $volumes (dict "name" "work" "persistentVolumeClaim" (dict "claimName" .Values.work.claim)) }}
{{- $mounts = append $mounts (dict "name" "work" "mountPath" "/work") }}
{{- end }}
{{- toYaml (dict "volumes" (concat $volumes .Values.compute.volumes) "mounts" (concat $mounts .Values.compute.volumeMounts)) }}
{{- end }}

{{/* The pod specification of one profile. Takes (dict "root" $ "profile" …). */}}
{{- define "neo.pod" -}}
{{- $compute := .root.Values.compute }}
{{- $profile := .profile }}
{{- $workers := dict "name" "NEO_WORKERS" "valueFrom" (dict "resourceFieldRef" (dict "resource" "limits.cpu")) }}
{{- $container := dict "name" "job" "securityContext" $compute.securityContext "resources" ($profile.resources | default dict) "env" (list $workers) }}
{{- if gt (int ($profile.gpusPerNode | default 0)) 0 }}{{ $_ := set $container "image" (include "neo.cudaImage" .root) }}{{ end }}
{{- $pod := dict "automountServiceAccountToken" false "securityContext" $compute.podSecurityContext }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "priorityClassName" "terminationGracePeriodSeconds" }}
{{- if hasKey $profile $key }}{{ $_ := set $pod $key (get $profile $key) }}{{ end }}
{{- end }}
{{- with $profile.sharedMemory }}
{{- $_ := set $pod "volumes" (list (dict "name" "shm" "emptyDir" (dict "medium" "Memory" "sizeLimit" .))) }}
{{- $_ := set $container "volumeMounts" (list (dict "name" "shm" "mountPath" "/dev/shm")) }}
{{- end }}
{{- $_ := set $pod "containers" (list (mergeOverwrite (deepCopy $container) ($profile.container | default dict))) }}
{{- toYaml (mergeOverwrite (deepCopy $pod) ($profile.pod | default dict)) }}
{{- end }}

{{/* The file that NEO_POD_PROFILES names. */}}
{{- define "neo.profiles" -}}
{{- $volumes := include "neo.volumes" . | fromYaml }}
{{- $profiles := dict }}
{{- range $name, $profile := .Values.compute.profiles }}
{{- $one := dict "pod" (include "neo.pod" (dict "root" $ "profile" $profile) | fromYaml) }}
{{- range $ours, $key := dict "nodes" "nodes" "gpusPerNode" "gpus_per_node" "gpuResource" "gpu_resource" "asJob" "as_job" "relaunches" "relaunches" "pendingTimeoutSeconds" "pending_timeout_seconds" "rendezvousPort" "rendezvous_port" }}
{{- if hasKey $profile $ours }}{{ $_ := set $one $key (get $profile $ours) }}{{ end }}
{{- end }}
{{- $_ := set $profiles $name $one }}
{{- end }}
{{- $labels := merge (dict "app.kubernetes.io/part-of" "neo-assets" "app.kubernetes.io/instance" .Release.Name) .Values.compute.labels -}}
namespace: {{ .Release.Namespace }}
image: {{ include "neo.image" . }}
image_pull_policy: {{ .Values.image.pullPolicy }}
image_pull_secrets: {{ toJson .Values.imagePullSecrets }}
service_account_name: {{ .Values.serviceAccounts.job.name }}
environment: {{- include "neo.jobEnvironment" . | nindent 2 }}
env_from: {{- include "neo.envFrom" . | nindent 2 }}
labels: {{- toYaml $labels | nindent 2 }}
annotations:
  cluster-autoscaler.kubernetes.io/safe-to-evict: "false"
  karpenter.sh/do-not-disrupt: "true"
volumes: {{- toYaml $volumes.volumes | nindent 2 }}
volume_mounts: {{- toYaml $volumes.mounts | nindent 2 }}
profiles: {{- toYaml $profiles | nindent 2 }}
{{- end }}

{{/* The file that NEO_SPARK_PROPERTIES names: `key value` lines. */}}
{{- define "neo.spark" -}}
{{- $spark := .Values.spark }}
{{- $lines := dict
      "spark.kubernetes.namespace" .Release.Namespace
      "spark.kubernetes.container.image" (include "neo.image" .)
      "spark.kubernetes.container.image.pullPolicy" .Values.image.pullPolicy
      "spark.kubernetes.authenticate.executor.serviceAccountName" .Values.serviceAccounts.executor.name
      "spark.kubernetes.executor.podTemplateFile" "/etc/neo/executor.yaml"
      "spark.kubernetes.executor.podTemplateContainerName" "executor"
      "spark.kubernetes.driver.service.deleteOnTermination" "false"
      "spark.executor.instances" $spark.executors
      "spark.executor.cores" $spark.cores
      "spark.kubernetes.executor.request.cores" $spark.cores
      "spark.kubernetes.executor.limit.cores" $spark.cores
      "spark.executor.memory" $spark.memory
      "spark.executor.memoryOverhead" $spark.memoryOverhead }}
{{- with .Values.imagePullSecrets }}{{ $_ := set $lines "spark.kubernetes.container.image.pullSecrets" (join "," .) }}{{ end }}
{{- range $key, $value := merge (deepCopy $spark.properties) $lines }}
{{ $key }} {{ $value }}
{{- end }}
{{- end }}

{{/* The executors' pod template. Name, image, resources and command are Spark's. */}}
{{- define "neo.executor" -}}
{{- $volumes := include "neo.volumes" . | fromYaml -}}
apiVersion: v1
kind: Pod
metadata:
  labels:
    app.kubernetes.io/part-of: neo-assets
    app.kubernetes.io/instance: {{ .Release.Name }}
    app.kubernetes.io/component: executor
spec:
  automountServiceAccountToken: false
  securityContext: {{- toYaml .Values.compute.podSecurityContext | nindent 4 }}
  {{- with .Values.spark.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.spark.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: executor
      securityContext: {{- toYaml .Values.compute.securityContext | nindent 8 }}
      {{- with include "neo.jobEnvironment" . | fromYaml }}
      env:
        {{- range $name, $value := . }}
        - {name: {{ $name }}, value: {{ $value | quote }}}
        {{- end }}
      {{- end }}
      envFrom: {{- include "neo.envFrom" . | nindent 8 }}
      volumeMounts: {{- toYaml $volumes.mounts | nindent 8 }}
  volumes: {{- toYaml $volumes.volumes | nindent 4 }}
{{- end }}
