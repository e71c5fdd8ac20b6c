"""Who gives boards an identity: one module per cloud behind :class:`Cloud`."""

from agent.clouds.cloud import Claim, ClaimRequest, Cloud, CloudInfo, Requirements

__all__ = ["Claim", "ClaimRequest", "Cloud", "CloudInfo", "Requirements"]
