"""What is sent to Kubernetes: names, labels, and the pod of a profile."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neo_assets.compute.kubernetes.profiles import PodProfile, PodProfiles, ProfilesError
from neo_assets.compute.order import order_digest
from neo_assets.compute.protocol import Profile

PREFIX = "neo-assets"
SLUG_LENGTH = 24
CONTAINER = "job"
ENTRY = "neo_assets.jobs.pod"
MODULES_OF_SEVERAL_NODES = frozenset({"neo_assets.jobs.train"})
"""Jobs that know what to do with more than one machine; under the same profile the others get one."""


@dataclass(frozen=True)
class Identity:
    """What a pod is for, whichever run asks for it: the same lake, asset partitions and order have the same name."""

    lake: str
    asset: str
    partitions: tuple[str, ...]
    module: str
    order: str
    """The digest of what decides the result."""

    @classmethod
    def of(cls, module: str, order: Mapping[str, Any]) -> Identity:
        """The identity of a job's order."""
        alone = [order["partition"]] if order["partition"] is not None else []
        keys = tuple(order["partitions"] or alone)
        return cls(order["lake"], order["asset"], keys, module, order_digest(module, order))

    @property
    def base(self) -> str:
        """The name without the attempt's number: a DNS label, with room for what Kubernetes appends."""
        slug = re.sub("[^a-z0-9]+", "-", self.asset.lower())[:SLUG_LENGTH].strip("-")
        whole = "\n".join([self.lake, self.asset, *self.partitions, self.order])
        return f"neo-{slug}-{hashlib.sha256(whole.encode()).hexdigest()[:12]}"

    @property
    def partition(self) -> str:
        """The partitions in words: one, or the first and the last."""
        ends = dict.fromkeys((self.partitions or ("_",))[:1] + self.partitions[-1:])
        return "...".join(ends)

    @property
    def selector(self) -> str:
        """Finds every pod and Job of this asset in this lake."""
        return f"{PREFIX}/asset={label(self.asset)},{of_lake(self.lake)}"

    def labels(self, name: str, run_id: str) -> dict[str, str]:
        """Short values, to select by."""
        return {
            f"{PREFIX}/name": name,
            f"{PREFIX}/asset": label(self.asset),
            f"{PREFIX}/partition": label(self.partition),
            f"{PREFIX}/lake": short(self.lake),
            f"{PREFIX}/order": self.order[:16],
            f"{PREFIX}/module": label(self.module.rsplit(".", 1)[-1]),
            f"{PREFIX}/run-id": label(run_id),
        }

    def annotations(self, run_id: str) -> dict[str, str]:
        """The whole values, to read."""
        return {
            f"{PREFIX}/asset": self.asset,
            f"{PREFIX}/partitions": json.dumps(self.partitions),
            f"{PREFIX}/lake": self.lake,
            f"{PREFIX}/order": self.order,
            f"{PREFIX}/module": self.module,
            f"{PREFIX}/run-id": run_id,
        }


def of_lake(root: str) -> str:
    """Finds every pod and Job of a lake."""
    return f"{PREFIX}/lake={short(root)}"


def short(text: str) -> str:
    """A digest for a label."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def label(text: str) -> str:
    """The text as a label's value: at most 63 of letters, digits, `-`, `_`, `.`; with a digest if it was longer."""
    plain = re.sub("[^A-Za-z0-9._-]", ".", text).strip("._-")
    return plain if len(plain) <= 63 else f"{plain[:46].strip('._-')}-{short(text)}"


@dataclass(frozen=True)
class PodMaker:
    """Builds the bodies of one profile."""

    profiles: PodProfiles
    name: Profile

    @property
    def profile(self) -> PodProfile:
        """The profile itself."""
        return self.profiles.profiles[self.name]

    def nodes(self, module: str) -> int:
        """How many machines the module gets."""
        return self.profile.nodes if module in MODULES_OF_SEVERAL_NODES else 1

    def pod(self, identity: Identity, name: str, run_id: str, more_environment: Mapping[str, str] | None = None) -> Any:
        """A `V1Pod` that runs the identity's module.

        Raises:
            ProfilesError: Kubernetes knows no such key in a pod.
        """
        from dagster_k8s.pipes import build_pod_body

        metadata = {
            "namespace": self.profiles.namespace,
            "labels": {**self.profiles.labels, **identity.labels(name, run_id)},
            "annotations": {**self.profiles.annotations, **identity.annotations(run_id)},
        }
        environment = {"NEO_LAKE": identity.lake, "NEO_JOB": name, "PYTHONUNBUFFERED": "1", **(more_environment or {})}
        try:
            return build_pod_body(
                pod_name=name,
                image=None,
                command=None,
                env_vars=environment,
                base_pod_meta=metadata,
                base_pod_spec=self._spec(identity.module),
            )
        except Exception as error:  # dagster-k8s raises it plain
            raise ProfilesError(f"profiles.{self.name}.pod: {error}") from error

    def _spec(self, module: str) -> dict[str, Any]:
        shared, spec = self.profiles, copy.deepcopy(self.profile.pod)
        main = spec.setdefault("containers", [{}])[0]
        main.setdefault("name", CONTAINER)
        main.setdefault("image", shared.image)
        main.setdefault("imagePullPolicy", shared.image_pull_policy)
        main["command"] = [*shared.python, "-m", ENTRY, module]
        plain = [{"name": name, "value": value} for name, value in shared.environment.items()]
        main["env"] = [*plain, *main.get("env", [])]
        main["envFrom"] = [*copy.deepcopy(shared.env_from), *main.get("envFrom", [])]
        main["volumeMounts"] = [*copy.deepcopy(shared.volume_mounts), *main.get("volumeMounts", [])]
        spec["volumes"] = [*copy.deepcopy(shared.volumes), *spec.get("volumes", [])]
        if self.profile.gpus_per_node:
            asked = str(self.profile.gpus_per_node)
            resources = main.setdefault("resources", {})
            resources["limits"] = {**(resources.get("limits") or {}), self.profile.gpu_resource: asked}
        spec["restartPolicy"] = "Never"
        if shared.service_account_name:
            spec.setdefault("serviceAccountName", shared.service_account_name)
        if shared.priority_class_name:
            spec.setdefault("priorityClassName", shared.priority_class_name)
        if shared.image_pull_secrets:
            spec.setdefault("imagePullSecrets", [{"name": name} for name in shared.image_pull_secrets])
        return {key: value for key, value in spec.items() if value != []}


def check(profiles: PodProfiles) -> None:
    """Build a pod of every profile, so that a wrong key is told before anything runs.

    Raises:
        ProfilesError: one cannot be built; the message names it.
    """
    identity = Identity("/lake", "area/asset", (), "neo_assets.jobs.train", "0" * 64)
    for name in profiles.profiles:
        PodMaker(profiles, name).pod(identity, "neo-check", "0")


def partitions_text(identity: Identity) -> str:
    """`area/name`, with its partitions in brackets."""
    return f"{identity.asset} [{identity.partition}]" if identity.partitions else identity.asset
