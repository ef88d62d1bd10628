"""Pictures of codes, at addresses that cannot be guessed and never change what they show."""

import hashlib
import hmac
from io import BytesIO
from urllib.parse import quote

import segno

from app.distribution.goodwill.schemas import AssetsRead, QrRead

PIXELS = 8
"""The side of one module of a QR code."""


def signature_of(secret: str, voucher_id: str) -> str:
    """What makes the address of a voucher's picture unguessable: half of an HMAC, 128 bits."""
    return hmac.new(secret.encode(), f"qr:{voucher_id}".encode(), hashlib.sha256).hexdigest()[:32]


def is_signed(signature: str, secret: str, voucher_id: str) -> bool:
    return hmac.compare_digest(signature.encode(), signature_of(secret, voucher_id).encode())


def assets_of(base_url: str, project_id: str, secret: str, voucher_id: str) -> AssetsRead:
    """Where the pictures of a voucher are; `secret` is the project's."""
    signature = signature_of(secret, voucher_id)
    path = "/".join(quote(part, safe="") for part in (project_id, voucher_id, signature))
    return AssetsRead(qr=QrRead(id=f"qr_{voucher_id}", url=f"{base_url.rstrip('/')}/assets/qr/{path}.png"))


def qr_png(code: str) -> bytes:
    """The code as a QR code with error correction M."""
    image = BytesIO()
    segno.make_qr(code, error="m").save(image, kind="png", scale=PIXELS)
    return image.getvalue()
