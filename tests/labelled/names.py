"""Names with the skew that names have: a few that everybody bears, and a long tail."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

GIVEN = (
    "James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David", "Elizabeth", "William",
    "Barbara", "Richard", "Susan", "Joseph", "Jessica", "Thomas", "Sarah", "Charles", "Karen", "Christopher", "Lisa",
    "Daniel", "Nancy", "Matthew", "Betty", "Anthony", "Sandra", "Mark", "Margaret", "Donald", "Ashley", "Steven",
    "Kimberly", "Andrew", "Emily", "Paul", "Donna", "Joshua", "Michelle", "Kenneth", "Carol", "Kevin", "Amanda",
    "Brian", "Melissa", "George", "Deborah", "Timothy", "Stephanie", "Ronald", "Rebecca", "Jason", "Laura", "Edward",
    "Helen", "Jeffrey", "Sharon", "Ryan", "Cynthia", "Jacob", "Kathleen", "Gary", "Amy", "Nicholas", "Angela", "Eric",
    "Shirley", "Jonathan", "Anna", "Stephen", "Brenda", "Larry", "Pamela", "Justin", "Emma", "Scott", "Nicole",
    "Brandon", "Samantha", "Benjamin", "Katherine", "Samuel", "Christine", "Gregory", "Debra", "Alexander", "Rachel",
    "Patrick", "Carolyn", "Frank", "Janet", "Raymond", "Maria", "Jack", "Olivia", "Dennis", "Heather", "Jerry",
    "Diane", "Tyler", "Julie", "Aaron", "Joyce", "Jose", "Victoria", "Adam", "Ruth", "Nathan", "Virginia", "Henry",
    "Lauren", "Zachary", "Kelly", "Douglas", "Christina", "Peter", "Joan", "Kyle", "Evelyn", "Noah", "Judith", "Ethan",
    "Andrea", "Jeremy", "Hannah", "Walter", "Megan", "Christian", "Cheryl", "Keith", "Jacqueline", "Roger", "Martha",
    "Terry", "Madison", "Austin", "Teresa", "Sean", "Gloria", "Gerald", "Sara", "Carl", "Janice", "Harold", "Ann",
    "Dylan", "Kathryn", "Arthur", "Abigail", "Lawrence", "Sophia", "Jordan", "Frances", "Jesse", "Jean", "Bryan",
    "Alice", "Billy", "Judy", "Bruce", "Isabella", "Gabriel", "Julia", "Joe", "Grace", "Logan", "Amber", "Alan",
    "Denise", "Juan", "Danielle", "Albert", "Marilyn", "Willie", "Beverly", "Elijah", "Charlotte", "Wayne", "Natalie",
    "Randy", "Theresa", "Vincent", "Diana", "Mason", "Brittany", "Roy", "Doris", "Ralph", "Kayla", "Bobby", "Alexis",
    "Russell", "Lori", "Bradley", "Marie", "Philip", "Renée", "Eugene", "José", "Zoë", "André", "Chloé", "Søren",
)  # fmt: skip

FAMILY = (
    "Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez", "Martinez",
    "Hernandez", "Lopez", "Gonzalez", "Wilson", "Anderson", "Thomas", "Taylor", "Moore", "Jackson", "Martin", "Lee",
    "Perez", "Thompson", "White", "Harris", "Sanchez", "Clark", "Ramirez", "Lewis", "Robinson", "Walker", "Young",
    "Allen", "King", "Wright", "Scott", "Torres", "Nguyen", "Hill", "Flores", "Green", "Adams", "Nelson", "Baker",
    "Hall", "Rivera", "Campbell", "Mitchell", "Carter", "Roberts", "Gomez", "Phillips", "Evans", "Turner", "Diaz",
    "Parker", "Cruz", "Edwards", "Collins", "Reyes", "Stewart", "Morris", "Morales", "Murphy", "Cook", "Rogers",
    "Gutierrez", "Ortiz", "Morgan", "Cooper", "Peterson", "Bailey", "Reed", "Kelly", "Howard", "Ramos", "Kim", "Cox",
    "Ward", "Richardson", "Watson", "Brooks", "Chavez", "Wood", "James", "Bennett", "Gray", "Mendoza", "Ruiz",
    "Hughes", "Price", "Alvarez", "Castillo", "Sanders", "Patel", "Myers", "Long", "Ross", "Foster", "Jimenez",
    "Tran", "Vang", "Xiong", "Yang", "Olson", "Larson", "Carlson", "Schmidt", "Novak", "Kowalski", "Li", "Wu", "Ho",
)  # fmt: skip

ODD_FAMILY = (
    "O'Brien", "O'Connor", "D'Angelo", "O'Neill", "Smith-Jones", "Garcia-Lopez", "Taylor-Brooks", "Peña", "Muñoz",
    "Núñez", "Müller", "Björk", "Gonçalves", "Lefèvre", "Dvořák", "Van der Berg", "De la Cruz", "St. Clair", "McDonald",
)  # fmt: skip
"""Hyphens, apostrophes, accents, several words."""

ACCENTED = frozenset("ñüöçèéřáëøï")

_HEADS = (
    "Ash", "Black", "Brad", "Bur", "Cald", "Chester", "Clay", "Crow", "Dal", "East", "Fair", "Farn", "Gold", "Hart",
    "Hol", "Kirk", "Lang", "Lin", "Mans", "Nor", "Oak", "Pem", "Red", "Stan", "Thorn", "Wake", "West", "Whit", "Win",
    "Yard",
)  # fmt: skip
_TAILS = (
    "ford", "field", "ley", "ton", "wood", "berg", "well", "by", "worth", "man", "brook", "land", "sen", "ham", "more",
    "ridge", "stone", "house", "combe", "shaw",
)  # fmt: skip
RARE_FAMILY = tuple(head + tail for head, tail in product(_HEADS, _TAILS))
"""The long tail: 600 names that few bear."""

NICKNAMES = {
    "Robert": "Bob", "William": "Bill", "Elizabeth": "Betty", "James": "Jim", "Margaret": "Peggy", "Richard": "Dick",
    "Katherine": "Kathy", "Thomas": "Tom", "Michael": "Mike", "Jennifer": "Jenny", "Patricia": "Pat",
    "Charles": "Chuck", "Edward": "Ted", "Christopher": "Chris", "Deborah": "Debbie", "Joseph": "Joe", "David": "Dave",
    "Daniel": "Dan", "Anthony": "Tony", "Rebecca": "Becky", "Samuel": "Sam", "Benjamin": "Ben", "Alexander": "Alex",
    "Susan": "Sue", "Timothy": "Tim", "Steven": "Steve", "Matthew": "Matt", "Kimberly": "Kim", "Barbara": "Barb",
    "John": "Jack",
}  # fmt: skip

CONCENTRATED_GIVEN = ("Mohamed", "Ahmed", "Ali", "Hassan", "Fatima", "Amina", "Abdi", "Halima", "Omar", "Maryan")
CONCENTRATED_FAMILY = ("Ali", "Mohamed", "Hassan", "Ahmed", "Omar", "Abdi", "Yusuf", "Ibrahim", "Warsame", "Farah")
"""A community in which many share few names, and whose papers say 1 January where nobody wrote the day down."""

STREETS = (
    "Oak Street", "Maple Avenue", "Cedar Lane", "Park Road", "Elm Drive", "Lake Court", "Hill Street", "Pine Way",
    "Washington Avenue", "Second Street", "River Road", "Church Street", "Meadow Lane", "Sunset Boulevard",
    "Mill Pond Road", "Franklin Street", "Prairie View", "Birch Terrace",
)  # fmt: skip

CITIES = (
    ("Springfield", "IL", "627"), ("Dayton", "OH", "454"), ("Madison", "WI", "537"), ("Duluth", "MN", "558"),
    ("Salem", "OR", "973"), ("Austin", "TX", "787"), ("Fresno", "CA", "937"), ("Albany", "NY", "122"),
    ("Macon", "GA", "312"), ("Boise", "ID", "837"), ("Portland", "ME", "041"), ("Newark", "NJ", "071"),
)  # fmt: skip


def skew(count: int, exponent: float) -> NDArray[np.float64]:
    """Shares of ranks 1 … count that fall with rank as Zipf's law has it."""
    weight = 1.0 / np.arange(1, count + 1) ** exponent
    return np.asarray(weight / weight.sum())
