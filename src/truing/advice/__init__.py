"""Before a search and during it: rehearsal, plan, the smallest gain it can resolve, and when to stop."""

from truing.advice.beforehand import before_search as before_search
from truing.advice.beforehand import rehearsal as rehearsal
from truing.advice.beforehand import rehearsed as rehearsed
from truing.advice.outlook import Outlook as Outlook
from truing.advice.outlook import prospects as prospects
from truing.advice.outlook import stop_advice as stop_advice
