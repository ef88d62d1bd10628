"""Tables, one file per family: columns and constraints, no behaviour.

Rows refer to customers, vouchers and campaigns by id without a foreign key where the checkout writes: a key check locks
the row it points to, and every redemption of a hot campaign would queue there. Erasing a customer is therefore one row.
"""

from app.kit.idempotency import IdempotencyRecord
from app.kit.outbox import OutboxCursor, OutboxDelivery, OutboxEvent
from app.kit.tables import Base
from app.models.access import ApiKey, AuditEntry, ClientAllowance, OAuthToken, Project
from app.models.async_actions import AsyncAction
from app.models.audiences import (
    CustomerEventCount,
    CustomEvent,
    Segment,
    SegmentMember,
    SegmentStanding,
)
from app.models.checkout import Redemption, Refund
from app.models.commerce import (
    CatalogueVersion,
    Customer,
    CustomerActivity,
    CustomerBirthday,
    Order,
    Product,
    ProductCollection,
    ProductCollectionMember,
    Sku,
)
from app.models.earning import EarningRule, PointsEarning
from app.models.exports import Export, ExportChunk
from app.models.goodwill import Goodwill, GoodwillBudget, GoodwillReason
from app.models.incentives import Campaign, Category, Publication, ValidationRule, ValidationRuleAssignment, Voucher
from app.models.ledger import Account, Entry, Hold, Lot
from app.models.loyalties import PendingPoints
from app.models.loyalty_tiers import LoyaltyStanding, LoyaltyTier
from app.models.metadata_schemas import CustomEventSchema, MetadataSchema
from app.models.promotions import PromotionStack, PromotionTier
from app.models.referrals import Referral, ReferralClaim
from app.models.rewards import Milestone, MilestoneCrossing, Reward, RewardAssignment

__all__ = [
    "Account",
    "ApiKey",
    "AsyncAction",
    "AuditEntry",
    "Base",
    "Campaign",
    "CatalogueVersion",
    "Category",
    "ClientAllowance",
    "CustomEvent",
    "CustomEventSchema",
    "Customer",
    "CustomerActivity",
    "CustomerBirthday",
    "CustomerEventCount",
    "EarningRule",
    "Entry",
    "Export",
    "ExportChunk",
    "Goodwill",
    "GoodwillBudget",
    "GoodwillReason",
    "Hold",
    "IdempotencyRecord",
    "Lot",
    "LoyaltyStanding",
    "LoyaltyTier",
    "MetadataSchema",
    "Milestone",
    "MilestoneCrossing",
    "OAuthToken",
    "Order",
    "OutboxCursor",
    "OutboxDelivery",
    "OutboxEvent",
    "PendingPoints",
    "PointsEarning",
    "Product",
    "ProductCollection",
    "ProductCollectionMember",
    "Project",
    "PromotionStack",
    "PromotionTier",
    "Publication",
    "Redemption",
    "Referral",
    "ReferralClaim",
    "Refund",
    "Reward",
    "RewardAssignment",
    "Segment",
    "SegmentMember",
    "SegmentStanding",
    "Sku",
    "ValidationRule",
    "ValidationRuleAssignment",
    "Voucher",
]

REFERENCE_TABLES = {"projects", "api_keys"}
"""Tables that are not rows of one project: who the projects are, and which key opens which."""
