"""How a server of chat completions is asked."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from neo_assets.recipe.base import Section


class ChatSettings(Section):
    """An OpenAI-compatible server, and what asking it may cost."""

    endpoint: str = Field(description="base URL, to which /chat/completions is added")
    model: str = Field(min_length=1)
    api_key_variable: str = Field("NEO_JUDGE_API_KEY", pattern=r"^[A-Z][A-Z0-9_]*$", description="where the key is")
    threads: int = Field(4, ge=1, le=256, description="requests under way at once")
    timeout_seconds: float = Field(60, gt=0, description="of one attempt, from connecting to the last byte")
    max_attempts: int = Field(4, ge=1, le=20, description="at one question")
    max_requests: int = Field(1000, gt=0, description="HTTP requests of a run, attempts counted")
    max_wait_seconds: float = Field(120, gt=0, description="the longest wait that a server may ask for")
    first_wait_seconds: float = Field(1, gt=0, description="doubled with each further attempt")
    max_answer_bytes: int = Field(1 << 20, gt=0)
    max_answer_tokens: int = Field(2048, gt=0)
    give_up_after: int = Field(8, ge=1, description="questions that fail one after another, without an answer between")

    @field_validator("endpoint")
    @classmethod
    def _is_plain(cls, endpoint: str) -> str:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the endpoint must be an http or https URL")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "the endpoint must hold no user, password, query or fragment: put keys into the environment"
            )
        return endpoint.rstrip("/")

    @property
    def url(self) -> str:
        """Where questions go."""
        return f"{self.endpoint}/chat/completions"

    @property
    def parameters(self) -> dict[str, float | int]:
        """What decides an answer beside the question."""
        return {"temperature": 0, "seed": 0, "max_tokens": self.max_answer_tokens}
