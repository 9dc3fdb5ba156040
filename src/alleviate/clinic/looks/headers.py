"""The headers that every answer carries: what a page may load and who may frame it."""

from alleviate.clinic.settings import Settings

__all__ = ["POLICY", "headers"]

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
}
"""Content Security Policy: only our own files, nothing inline, nothing evaluated, nobody frames us."""

_NEVER = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "fullscreen",
    "geolocation", "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi", "payment",
    "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip


def headers(settings: Settings) -> dict[str, str]:
    """Of every page. Assets set a Cache-Control of their own; by https browsers never come by http again."""
    told = {
        "Content-Security-Policy": "; ".join(f"{word} {value}" for word, value in POLICY.items()),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Permissions-Policy": ", ".join(f"{word}=()" for word in _NEVER),
        "Cache-Control": "no-store",
    }
    if settings.secure:
        told["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return told
