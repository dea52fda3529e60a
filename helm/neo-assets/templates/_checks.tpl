{{/*
The dagster chart's values cannot be computed from ours, so some things are said twice. This compares them, and refuses
what would only fail hours later.
*/}}
{{- define "neo.checks" -}}
{{- $values := .Values }}
{{- $launcher := $values.dagster.runLauncher.config.k8sRunLauncher }}
{{- $raw := $launcher.runK8sConfig }}
{{- $servers := index $values.dagster "dagster-user-deployments" }}
{{- if ne $values.dagster.runLauncher.type "K8sRunLauncher" }}{{ fail "dagster.runLauncher.type: only K8sRunLauncher is supported" }}{{ end }}

{{- $image := include "neo.image" . }}
{{- $named := dict "dagster.dagsterWebserver.image" $values.dagster.dagsterWebserver.image "dagster.dagsterDaemon.image" $values.dagster.dagsterDaemon.image }}
{{- range $servers.deployments }}{{ $_ := set $named (printf "dagster.dagster-user-deployments.deployments[%s].image" .name) .image }}{{ end }}
{{- range $where, $other := $named }}
{{- $found := printf "%s:%v" $other.repository $other.tag }}
{{- if ne $found $image }}{{ fail (printf "%s is %s, image is %s: web server, daemon, code server and jobs must be one version" $where $found $image) }}{{ end }}
{{- end }}
{{- if and (eq $values.image.tag $values.image.cudaTag) (ne $values.image.tag "") }}{{ fail "image.tag and image.cudaTag are the same image" }}{{ end }}

{{- if ne $values.dagster.serviceAccount.name $values.serviceAccounts.launcher.name }}{{ fail "dagster.serviceAccount.name must be serviceAccounts.launcher.name" }}{{ end }}
{{- if ne $servers.serviceAccount.name $values.serviceAccounts.code.name }}{{ fail "dagster.dagster-user-deployments.serviceAccount.name must be serviceAccounts.code.name" }}{{ end }}
{{- if ne $raw.podSpecConfig.serviceAccountName $values.serviceAccounts.run.name }}{{ fail "dagster.runLauncher.config.k8sRunLauncher.runK8sConfig.podSpecConfig.serviceAccountName must be serviceAccounts.run.name" }}{{ end }}
{{- if ne $values.global.postgresqlSecretName $values.postgres.secret }}{{ fail "global.postgresqlSecretName must be postgres.secret" }}{{ end }}
{{- if ne $values.dagster.postgresql.postgresqlScheme "postgresql+psycopg2" }}{{ fail "dagster.postgresql.postgresqlScheme must be postgresql+psycopg2, the driver that the image has" }}{{ end }}
{{- if $values.dagster.postgresql.enabled }}
{{- if ne $values.dagster.postgresql.existingSecret $values.postgres.secret }}{{ fail "dagster.postgresql.existingSecret must be postgres.secret" }}{{ end }}
{{- else if not $values.dagster.postgresql.postgresqlHost }}{{ fail "dagster.postgresql.postgresqlHost: name your database, since dagster.postgresql.enabled is false" }}
{{- end }}

{{- $claims := dict }}
{{- if not $values.lake.uri }}{{ $_ := set $claims $values.lake.volume.claim "/lake" }}{{ end }}
{{- if include "neo.hasWork" . }}{{ $_ := set $claims $values.work.claim "/work" }}{{ end }}
{{- $mounting := dict "dagster.runLauncher.config.k8sRunLauncher" $launcher }}
{{- range $servers.deployments }}
{{- $_ := set $mounting (printf "dagster.dagster-user-deployments.deployments[%s]" .name) . }}
{{- if (.includeConfigInLaunchedRuns | default (dict "enabled" true)).enabled }}{{ fail (printf "dagster.dagster-user-deployments.deployments[%s].includeConfigInLaunchedRuns.enabled must be false: runs have settings of their own" .name) }}{{ end }}
{{- if contains "/gpu" (toJson (.resources | default dict)) }}{{ fail (printf "dagster.dagster-user-deployments.deployments[%s].resources: a code server computes nothing; GPUs belong to compute.profiles" .name) }}{{ end }}
{{- end }}
{{- if contains "/gpu" (toJson $raw) }}{{ fail "dagster.runLauncher: a run's pod only watches; GPUs belong to compute.profiles" }}{{ end }}
{{- range $where, $one := $mounting }}
{{- $found := dict }}
{{- range $volume := $one.volumes }}{{ $claim := ($volume.persistentVolumeClaim | default dict).claimName }}
{{- range $mount := $one.volumeMounts }}{{ if and $claim (eq $mount.name $volume.name) }}{{ $_ := set $found $claim $mount.mountPath }}{{ end }}{{ end }}
{{- end }}
{{- if ne (toJson $found) (toJson $claims) }}{{ fail (printf "%s mounts claims %s, the values above say %s" $where (toJson $found) (toJson $claims)) }}{{ end }}
{{- if not (has "neo-environment" (include "neo.names" $one.envConfigMaps | fromJsonArray)) }}{{ fail (printf "%s.envConfigMaps must name neo-environment" $where) }}{{ end }}
{{- end }}
{{- if and $values.lake.uri (eq $values.dagster.computeLogManager.type "CustomComputeLogManager") (contains "/lake" (toJson $values.dagster.computeLogManager.config.customComputeLogManager)) }}{{ fail "dagster.computeLogManager writes to /lake, which is not mounted when lake.uri is set" }}{{ end }}

{{- range $name, $profile := $values.compute.profiles }}
{{- if hasKey ($profile.pod | default dict) "containers" }}{{ fail (printf "compute.profiles.%s.pod.containers: set compute.profiles.%s.container, a map that is laid over the job's" $name $name) }}{{ end }}
{{- if and (gt (int ($profile.nodes | default 1)) 1) (eq $values.lake.uri "") (ne $values.lake.volume.accessMode "ReadWriteMany") }}{{ fail (printf "compute.profiles.%s.nodes: several nodes need lake.volume.accessMode ReadWriteMany, or lake.uri and a shared work volume" $name) }}{{ end }}
{{- end }}
{{- end }}

{{/* The names of a list of maps, as a JSON list. */}}
{{- define "neo.names" -}}
{{- $names := list }}{{ range . }}{{ $names = append $names .name }}{{ end }}{{ toJson $names }}
{{- end }}
