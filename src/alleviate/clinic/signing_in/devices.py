"""Whence somebody signed in, in words that they know again: from what their browser says of itself."""

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import Request

__all__ = ["address_of", "device_of"]

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_of(request: Request) -> str:
    """Such as "Firefox, Windows"; "" where nothing is known. Only words of our own."""
    said = request.headers.get("user-agent", "")
    found = [next((word for sign, word in signs if sign in said), "") for signs in (_BROWSERS, _SYSTEMS)]
    return ", ".join(word for word in found if word)


def address_of(request: Request) -> str:
    """By what guesses are counted: the address; of IPv6 the network that one household has (/64)."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host or "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ip_network((address, 64), strict=False))
    return str(address)
