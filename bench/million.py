"""A queue of very many messages: how soon a server that starts on it works, and what it costs in memory."""
import os
import sqlite3
import subprocess
import sys
import time

import relay
from posthorn import Posthorn

PORT, DNS, DOMAINS = 17528, 17554, 1000
