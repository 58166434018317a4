"""What customers say when something went wrong in front of them, by where it did."""

COMPLAINTS = {
    "/checkout/": (
        "I pressed “Pay” and only got an error page. Was my card charged?",
        "Third time that I try to order. It fails at the last step.",
        "The checkout turns for a minute and then says that something went wrong.",
    ),
    "/cart/": (
        "I cannot change the quantity: the number jumps back.",
        "The cart stays empty whatever I put into it.",
    ),
    "/product/{slug}/": (
        "The page is blank, I only see the header.",
        "No pictures and no price. I wanted to buy two of these!",
        "Works on my phone, but not on the laptop.",
    ),
    "/search/": ("Searching does nothing at all, the wheel turns and turns.",),
    "/account/": ("I changed my address and it says that something went wrong.",),
}
