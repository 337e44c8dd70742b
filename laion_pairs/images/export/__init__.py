"""Images as files: folders of shards, a tar on a pipe, and the rows that failed. Opens connections through ``bulk``.

``settings`` what is wanted · ``picture`` one file · ``record`` what is written about a row · ``sample``, ``writers``
the formats · ``shard``, ``stats``, ``manifest``, ``durable`` what makes a folder resumable · ``fetching`` from rows to
outcomes · ``export`` a whole folder · ``tar_stream`` a pipe · ``failed_rows``, ``retry`` what is tried again.
"""
