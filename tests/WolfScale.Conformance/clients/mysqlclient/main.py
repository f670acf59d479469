"""mysqlclient: Connector/C's text protocol from Python."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import MySQLdb
import MySQLdb.constants.CLIENT as CLIENT
import MySQLdb.cursors
import conformance


class MySqlClient(conformance.Program):
    def open(self, **arguments):
        connection = super().open(**arguments)
        connection.begin = lambda: connection.query("START TRANSACTION")
        return connection

    def cipher(self, connection):
        return "not told by this driver"


def connect(**arguments):
    return MySQLdb.connect(client_flag=CLIENT.MULTI_STATEMENTS, **arguments)


MySqlClient(MySQLdb, connect, MySQLdb.cursors.SSCursor, {"ssl": {"ca": conformance.CA}}).main()
