"""The section `[intake]` of `klassepuls.toml`: deliveries over HTTP, on this machine's loopback."""

from pydantic import Field

from schemas.declared import Declared


class Intake(Declared):
    """Deliveries over HTTP: `klassepuls intake`. It listens on this machine only."""

    enabled: bool = Field(default=False, description="Whether `klassepuls serve` starts it too.")
    port: int = Field(default=8061, ge=1024, le=65535, description="The port on 127.0.0.1.")
    max_megabytes: int = Field(
        default=256, ge=1, le=1024, description="A larger delivery is refused."
    )
