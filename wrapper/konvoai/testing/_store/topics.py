"""Conversations between shoppers and the AI of a shop."""

from typing import NamedTuple


class Topic(NamedTuple):
    """A conversation: the skill that handles it, its intent, and its texts, the first by the shopper."""

    skill: str
    intent: str
    texts: tuple[str, ...]


TOPICS = (
    Topic(
        "CONCIERGE",
        "PRODUCT_ADVICE",
        (
            "Hi, do you have the rain jacket in medium?",
            "Yes, the medium is in stock in blue and in green.",
            "And is it waterproof?",
            "It is: the seams are taped, and the fabric holds a water column of 10,000 mm.",
            "Perfect, thanks!",
        ),
    ),
    Topic(
        "CONCIERGE",
        "SIZE",
        (
            "I am between two sizes for the running shoes. Which one fits?",
            "They run small: choose the larger one. Exchanges are free within 30 days.",
        ),
    ),
    Topic(
        "ORDER",
        "DELIVERY",
        (
            "Where is my order #{order}?",
            "Order #{order} left our warehouse yesterday and arrives tomorrow before noon.",
            "Thanks 👍",
        ),
    ),
    Topic(
        "ORDER",
        "CHANGE_ADDRESS",
        (
            "I gave the wrong address for #{order}. Can you change it?",
            "It has not been shipped yet. Please send me the new address.",
            "Hauptstraße 12, 10827 Berlin",
            "Done: order #{order} goes to Hauptstraße 12, 10827 Berlin.",
        ),
    ),
    Topic(
        "RETURN",
        "LABEL",
        (
            "How do I return the blue sweater from #{order}?",
            "Print the label that I have just sent to your e-mail address and bring the parcel to any post office.",
            "And when do I get the money?",
            "Within five days after the parcel has arrived.",
        ),
    ),
    Topic(
        "RETURN",
        "DAMAGED",
        (
            "The cup arrived broken 😞",
            "I am sorry! Could you send a photo of it?",
            "I have no camera at hand.",
            "No problem. A colleague will write to you today.",
        ),
    ),
    Topic(
        "PAYMENT",
        "VOUCHER",
        (
            "My voucher WELCOME10 does not work.",
            "It is for orders above 50 €. Your cart is at 42 €.",
        ),
    ),
    Topic("CONCIERGE", "OPENING_HOURS", ("Are you open on Saturday?",)),
)
