"""PyMySQL: pure Python, classic EOF packets, text protocol."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import pymysql
import pymysql.constants.CLIENT as CLIENT
import pymysql.cursors
import conformance


class PyMySql(conformance.Program):
    def cipher(self, connection):
        return connection._sock.cipher()[0]


def connect(**arguments):
    return pymysql.connect(client_flag=CLIENT.MULTI_STATEMENTS, **arguments)


PyMySql(pymysql, connect, pymysql.cursors.SSCursor, {"ssl_ca": conformance.CA, "ssl_verify_cert": True, "ssl_verify_identity": True}).main()
