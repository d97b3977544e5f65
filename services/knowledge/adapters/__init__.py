from services.knowledge.adapters.lancedb_import import leave_out_centroids, put_off_rest_client

leave_out_centroids()
put_off_rest_client()
