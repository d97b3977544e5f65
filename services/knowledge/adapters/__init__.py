from services.knowledge.adapters.lancedb_import import put_off_rest_client

put_off_rest_client()
