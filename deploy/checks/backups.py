"""The store of backups: a directory that is there, or a bucket that answers."""

from urllib.parse import urlsplit

from deploy.checks.finding import Finding, fail, ok
from deploy.environment import Environment

SECONDS = 5


def check(environment: Environment) -> Finding:
    url = environment.values.get("CELERITY_BACKUP_STORE", "")
    if environment.simulated or not url.startswith("s3://"):
        return ok(url or "in the cloud's directory")
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    values, bucket = environment.values, urlsplit(url).netloc
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=values.get("CELERITY_S3_ENDPOINT") or None,
        region_name=values.get("CELERITY_S3_REGION") or "us-east-1",
        aws_access_key_id=values.get("CELERITY_S3_ACCESS_KEY") or None,
        aws_secret_access_key=values.get("CELERITY_S3_SECRET_KEY") or None,
        config=Config(connect_timeout=SECONDS, read_timeout=SECONDS, s3={"addressing_style": "path"},
                      retries={"total_max_attempts": 1}),
    )  # fmt: skip
    try:
        client.head_bucket(Bucket=bucket)
    except (BotoCoreError, ClientError) as error:
        return fail(f"the bucket {bucket} does not answer: {error}", "CELERITY_S3_ENDPOINT, its keys, or the bucket.")
    return ok(f"the bucket {bucket} answers")
