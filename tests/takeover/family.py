"""Makes a database as a back-end of the original's family has it: SQLModel's tables, passlib's and argon2's hashes.

Usage: family.py URL, of SQLite or PostgreSQL.
"""

import sys
from datetime import datetime, timezone

from argon2 import PasswordHasher
from passlib.hash import bcrypt, pbkdf2_sha256
from sqlalchemy import JSON, Column
from sqlmodel import Field, Session, SQLModel, create_engine


class User(SQLModel, table=True):
    __tablename__ = "users"
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(index=True, unique=True)
    hashed_password: str
    full_name: str | None = None
    is_active: bool = True
    created_at: datetime = Field(default_factory=datetime.utcnow)


class Task(SQLModel, table=True):
    __tablename__ = "tasks"
    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="users.id", index=True)
    title: str
    description: str | None = None
    completed: bool = False
    priority: str = "medium"
    due_date: datetime | None = None
    tags: list[str] | None = Field(default=None, sa_column=Column(JSON))
    category: str | None = None
    created_at: datetime = Field(default_factory=datetime.utcnow)
    updated_at: datetime = Field(default_factory=datetime.utcnow)


class Note(SQLModel, table=True):
    __tablename__ = "notes"
    id: int | None = Field(default=None, primary_key=True)
    text: str


def main(url: str) -> None:
    engine = create_engine(url)
    SQLModel.metadata.create_all(engine)
    when = datetime(2025, 3, 1, 9, 30, 15, 123456)
    with Session(engine) as session:
        session.add(User(id=3, email="Ann@Example.com", hashed_password=bcrypt.using(rounds=5).hash("password-ann"), full_name="Ann A.", created_at=when))
        session.add(User(id=4, email="bob@example.com", hashed_password=PasswordHasher(time_cost=1, memory_cost=8192).hash("password-bob")))
        session.add(User(id=7, email="cem@example.com", hashed_password=pbkdf2_sha256.using(rounds=2000).hash("password-cem")))
        session.add(User(id=8, email="dee@example.com", hashed_password=bcrypt.using(rounds=5, ident="2a").hash("passwörd-dee"), is_active=False))
        session.add(User(id=9, email="nobody", hashed_password=bcrypt.using(rounds=5).hash("password-nobody")))
        session.flush()
        session.add(Task(id=11, user_id=3, title="Buy milk", priority="High", tags=["errand", "home"], due_date=datetime(2030, 1, 31), category="shop", created_at=when, updated_at=when))
        session.add(Task(id=12, user_id=3, title="Call Bob", description="x" * 3000, completed=True, due_date=datetime(2030, 1, 31, 12, 30), created_at=when))
        session.add(Task(id=40, user_id=4, title="Ünïcode 🍎", tags=[], priority="low"))
        session.add(Task(id=41, user_id=4, title="   "))
        session.add(Task(id=42, user_id=9, title="Of nobody"))
        session.add(Note(text="not ours"))
        session.commit()


if __name__ == "__main__":
    main(sys.argv[1])
