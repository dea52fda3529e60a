"""Jobs of Kubernetes: several machines that work together, or one whose pod Kubernetes itself replaces."""

from __future__ import annotations

from typing import Any

from neo_assets.compute.kubernetes.body import CONTAINER, Identity, PodMaker

INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
"""Where Kubernetes says which node of the Job a pod is."""


def job_body(maker: PodMaker, identity: Identity, name: str, run_id: str) -> Any:
    """A `V1Job` of as many pods as the module gets nodes, numbered from 0; with several it ends as soon as one fails.

    A pod that is lost by no fault of its own (evicted, preempted, its node gone) ends a Job of several nodes too: the
    others cannot go on without it, and are all started anew from the last checkpoint. That of a Job of one node is
    replaced by Kubernetes, `relaunches` times.

    Raises:
        ProfilesError: Kubernetes knows no such key in a pod.
    """
    from kubernetes import client

    nodes = maker.nodes(identity.module)
    more = {"NEO_NODES": str(nodes)}
    if nodes > 1:
        more["NEO_RENDEZVOUS"] = f"{name}-0.{name}.{maker.profiles.namespace}.svc:{maker.profile.rendezvous_port}"
    pod = maker.pod(identity, name, run_id, more)
    main = pod.spec.containers[0]
    if nodes > 1:
        source = client.V1EnvVarSource(field_ref=client.V1ObjectFieldSelector(field_path=INDEX))
        main.env.append(client.V1EnvVar(name="NEO_NODE_RANK", value_from=source))
        pod.spec.subdomain = name
    metadata = client.V1ObjectMeta(labels=pod.metadata.labels, annotations=pod.metadata.annotations)
    exit_codes = client.V1PodFailurePolicyOnExitCodesRequirement(
        container_name=main.name or CONTAINER, operator="NotIn", values=[0]
    )
    disrupted = client.V1PodFailurePolicyOnPodConditionsPattern(type="DisruptionTarget", status="True")
    rules = [
        client.V1PodFailurePolicyRule(action="FailJob" if nodes > 1 else "Ignore", on_pod_conditions=[disrupted]),
        client.V1PodFailurePolicyRule(action="FailJob", on_exit_codes=exit_codes),
    ]
    spec = client.V1JobSpec(
        completions=nodes,
        parallelism=nodes,
        completion_mode="Indexed" if nodes > 1 else "NonIndexed",
        backoff_limit=0 if nodes > 1 else maker.profile.relaunches,
        pod_failure_policy=client.V1PodFailurePolicy(rules=rules),
        template=client.V1PodTemplateSpec(metadata=metadata, spec=pod.spec),
    )
    named = client.V1ObjectMeta(
        name=name,
        namespace=maker.profiles.namespace,
        labels=pod.metadata.labels,
        annotations=pod.metadata.annotations,
    )
    return client.V1Job(api_version="batch/v1", kind="Job", metadata=named, spec=spec)


def service_body(maker: PodMaker, identity: Identity, name: str, run_id: str, job_uid: str) -> Any:
    """The headless `V1Service` by which the pods of a Job of several nodes find one another; it goes with the Job."""
    from kubernetes import client

    owner = client.V1OwnerReference(api_version="batch/v1", kind="Job", name=name, uid=job_uid)
    metadata = client.V1ObjectMeta(
        name=name,
        namespace=maker.profiles.namespace,
        labels={**maker.profiles.labels, **identity.labels(name, run_id)},
        owner_references=[owner],
    )
    port = client.V1ServicePort(
        name="rendezvous",
        port=maker.profile.rendezvous_port,
        target_port=maker.profile.rendezvous_port,
        protocol="TCP",
    )
    spec = client.V1ServiceSpec(
        cluster_ip="None",
        selector={"neo-assets/name": name},
        ports=[port],
        publish_not_ready_addresses=True,  # they meet before they are ready
    )
    return client.V1Service(api_version="v1", kind="Service", metadata=metadata, spec=spec)
