using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using MySqlConnector;
using WolfScale.Server.Http;
using WolfScale.Server.Http.Data;
using WolfScale.Server.Http.Data.Sessions;
using WolfScale.Settings;

namespace WolfScale.Unit.Server.Data;

/// <summary>Which problem of the data routes an error of MariaDB, or of the proxy, becomes: applications decide by it whether to send a request again.</summary>
public class MariaDbErrorsTests
{
    private const string ReadOnly = "The MariaDB server is running with the --read-only option so it cannot execute this statement";

    [Theory]
    [InlineData(1053, "WolfScale: no node accepts writes", 503, "no_leader", true)]
    [InlineData(1290, "WolfScale: this node does not lead", 503, "no_leader", true)]
    [InlineData(1290, ReadOnly, 503, "no_leader", true)]
    [InlineData(1213, "Deadlock found", 503, "rolled_back", true)]
    [InlineData(1205, "Lock wait timeout exceeded", 503, "rolled_back", true)]
    [InlineData(1040, "Too many connections", 503, "busy", true)]
    [InlineData(1062, "Duplicate entry", 409, "constraint_violation", false)]
    [InlineData(1451, "Cannot delete a parent row", 409, "constraint_violation", false)]
    [InlineData(1452, "Cannot add a child row", 409, "constraint_violation", false)]
    [InlineData(4025, "CONSTRAINT failed", 409, "constraint_violation", false)]
    [InlineData(1064, "You have an error in your SQL syntax", 400, "sql_syntax", false)]
    [InlineData(1142, "command denied", 403, "database_refuses", false)]
    [InlineData(1227, "Access denied; you need SUPER", 403, "database_refuses", false)]
    [InlineData(1792, "Cannot execute statement in a READ ONLY transaction", 403, "read_only", false)]
    [InlineData(1146, "Table doesn't exist", 404, "unknown_table", false)]
    [InlineData(1049, "Unknown database", 404, "unknown_database", false)]
    [InlineData(1054, "Unknown column", 422, "unknown_column", false)]
    [InlineData(1048, "Column cannot be null", 422, "invalid_value", false)]
    [InlineData(1264, "Out of range value", 422, "invalid_value", false)]
    [InlineData(1366, "Incorrect value", 422, "invalid_value", false)]
    [InlineData(1406, "Data too long", 422, "invalid_value", false)]
    [InlineData(1153, "Got a packet bigger than max_allowed_packet", 413, "too_large", false)]
    [InlineData(1301, "Result was larger than max_allowed_packet", 413, "too_large", false)]
    [InlineData(1305, "PROCEDURE does not exist", 422, "database_error", false)]
    [InlineData(4091, "Sequence has run out", 422, "database_error", false)]
    public void What_the_server_says_is_the_same_whether_a_write_was_under_way(int number, string message, int status, string code, bool again)
    {
        foreach (var mayHaveWritten in (bool[])[false, true])
        {
            var problem = MariaDbErrors.Translate(Error(number, message), mayHaveWritten);

            Assert.Equal((status, code, (int?)number, again ? 1 : null), (problem.Status, problem.Code, problem.MariaDbError, problem.RetryAfterSeconds));
        }
    }

    [Theory]
    [InlineData(0, "Connection reset by peer")]
    [InlineData(1053, "Server shutdown in progress")]
    [InlineData(1927, "Connection was killed")]
    [InlineData(1160, "Got an error writing communication packets")]
    [InlineData(2013, "Lost connection to server during query")]
    public void A_connection_that_broke_may_be_asked_again_only_where_nothing_can_have_been_written(int number, string message)
    {
        var nothing = MariaDbErrors.Translate(Error(number, message), mayHaveWritten: false);
        Assert.Equal((503, "connection_lost", 1), (nothing.Status, nothing.Code, nothing.RetryAfterSeconds));
        Assert.Contains("Nothing was written", nothing.Message, StringComparison.Ordinal);

        var unknown = MariaDbErrors.Translate(Error(number, message), mayHaveWritten: true);
        Assert.Equal((504, "outcome_unknown", null, number > 0 ? number : (int?)null), (unknown.Status, unknown.Code, unknown.RetryAfterSeconds, unknown.MariaDbError));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_proxy_that_does_not_know_the_outcome_is_believed(bool mayHaveWritten)
    {
        var problem = MariaDbErrors.Translate(Error(MariaDbErrors.OutcomeUnknownCode, "WolfScale: the leader was lost"), mayHaveWritten);

        Assert.Equal((504, "outcome_unknown", null), (problem.Status, problem.Code, problem.RetryAfterSeconds));
    }

    [Theory]
    [InlineData(1045, "Access denied for user", "database_login", false)]
    [InlineData(1698, "Access denied for user", "database_login", false)]
    [InlineData(1130, "Host is not allowed to connect", "database_login", false)]
    [InlineData(1040, "Too many connections", "busy", true)]
    [InlineData(1053, "WolfScale: no node accepts writes", "no_leader", true)]
    [InlineData(1053, "Server shutdown in progress", "connection_lost", true)]
    [InlineData(1042, "Unable to connect to any of the specified MySQL hosts", "no_leader", true)]
    [InlineData(0, "Connection refused", "no_leader", true)]
    public void A_session_that_cannot_be_opened_has_done_nothing(int number, string message, string code, bool again)
    {
        var problem = MariaDbErrors.OfOpening(Error(number, message), "app", "the leader's server");

        Assert.Equal((503, code, again ? 1 : (int?)null), (problem.Status, problem.Code, problem.RetryAfterSeconds));
        Assert.Contains(message, problem.Message, StringComparison.Ordinal);
        if (code == "database_login")
            Assert.Contains("logs in as app (database.user), over TCP, at the leader's server", problem.Message, StringComparison.Ordinal);
    }

    /// <summary>Of WolfScale's own mistakes the caller hears no more than where to look.</summary>
    [Fact]
    public async Task What_nobody_has_thought_of_is_internal_and_keeps_its_words_to_the_log()
    {
        await using var data = new DataApi(null!, new Broken(), "", NullLogger.Instance, TimeProvider.System); // joined to a node only behind its proxy
        await using var api = await ApiServer.StartAsync(
            new ApiSection { BindAddress = "127.0.0.1:0" }, NullLoggerFactory.Instance, routes => DataEndpoints.Map(routes, data, NullLogger.Instance), CancellationToken.None);
        using var client = new HttpClient { BaseAddress = api.Address };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/write/insert") { Content = new StringContent("""{"table": "t", "values": {"id": 1}}""", null, "application/json"), Headers = { { "X-Request-Id", "mine" } } };

        using var answer = await client.SendAsync(request);

        var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal((500, "internal", "mine"), ((int)answer.StatusCode, problem.GetProperty("code").GetString(), problem.GetProperty("request_id").GetString()));
        Assert.DoesNotContain("thought of", problem.ToString(), StringComparison.Ordinal);
    }

    /// <summary>As the connector makes it of an error packet, or of a connection that broke (0); its constructors are not public.</summary>
    private static MySqlException Error(int number, string message) =>
        (MySqlException)Activator.CreateInstance(typeof(MySqlException), BindingFlags.Instance | BindingFlags.NonPublic, null, [(MySqlErrorCode)number, message], null)!;

    private sealed class Broken : IDataNode
    {
        public (SessionOptions? Options, string Why) Proxy => throw new InvalidOperationException("nobody has thought of this");

        public bool Serves => false;

        public CancellationToken Stopping => CancellationToken.None;
    }
}
