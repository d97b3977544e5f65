"""What every section of the settings is."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    # What was given may hold a key or a password.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
