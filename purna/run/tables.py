"""All tables of all packages in one metadata, for the migrations."""

import alerts.tables
import api.tables
import ingest.tables
import models.tables
from purna.db.base import Base

METADATA = Base.metadata
PACKAGES = (ingest.tables, models.tables, alerts.tables, api.tables)
