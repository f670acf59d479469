using System.Security.Cryptography;
using System.Text;
using MySqlConnector;
using WolfScale.Server.Http.Data.Catalogue;
using WolfScale.Server.Http.Data.Committed;
using WolfScale.Server.Http.Data.Sessions;
using WolfScale.Server.Http.Data.Values;

namespace WolfScale.Server.Http.Data.Writing;

/// <summary>What a request is recognised by when it comes again.</summary>
/// <param name="Key">The Idempotency-Key.</param>
/// <param name="Request">SHA-256 of route and body.</param>
/// <param name="Mark">A text that no other transaction holds.</param>
internal sealed record RepeatableRequest(string Key, byte[] Request, string Mark)
{
    public const int LongestKey = 255;

    /// <exception cref="DataProblemException">No key that can be kept.</exception>
    public static RepeatableRequest Make(string key, string route, ReadOnlySpan<byte> body)
    {
        if (key.Length is 0 or > LongestKey || !key.All(c => c is > ' ' and <= '~'))
            throw DataProblemException.BadRequest("invalid_idempotency_key", $"An Idempotency-Key has 1 to {LongestKey} visible ASCII characters.");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(route + "\n"));
        hash.AppendData(body);
        return new RepeatableRequest(key, hash.GetHashAndReset(), Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
    }
}

/// <summary>What stands beside a key.</summary>
/// <param name="Place">The transaction's; null where this node's log does not show it (any more).</param>
/// <param name="Answer">As it was kept.</param>
internal sealed record KeptAnswer(CommittedPlace? Place, string Answer);

/// <summary>
/// The requests that were answered, in a table of the cluster: each is written by the transaction of its own write, so there is one where and only where that is. What the transaction cannot know is its own GTID;
/// it is found by the row's mark, which stands in the binary log and so in the cluster's.
/// </summary>
internal sealed class IdempotencyKeys(ApiSessions sessions, CommittedPlaces places)
{
    /// <summary>How long a key is kept at least.</summary>
    public const int KeptHours = 24;

    private const int DeletedAtOnce = 1000;
    private const string Table = $"`{ProtectedSchemas.OfApi}`.`idempotency`";

    private const string CreateTable =
        $"CREATE TABLE IF NOT EXISTS {Table} (id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY, request BINARY(32) NOT NULL, mark CHAR(32) CHARACTER SET ascii NOT NULL, "
        + "after_lsn BIGINT NOT NULL, answer MEDIUMTEXT CHARACTER SET utf8mb4 NOT NULL, made DATETIME(3) NOT NULL, KEY (made)) ENGINE=InnoDB COMMENT='Idempotency-Keys of the HTTP API'";

    private const string Insert = $"INSERT INTO {Table} (id, request, mark, after_lsn, answer, made) VALUES (?, ?, ?, ?, ?, UTC_TIMESTAMP(3))";

    // strong: whoever asks again may ask another node than the one that has told the answer.
    private const string Find = $"SELECT /* wolfscale: strong */ request, mark, after_lsn, answer FROM {Table} WHERE id = ?";
    private const string Expire = $"DELETE FROM {Table} WHERE made < UTC_TIMESTAMP(3) - INTERVAL ? HOUR ORDER BY made, id LIMIT ?";

    /// <summary>Writes it down, in the session's open transaction.</summary>
    /// <exception cref="MySqlException">1062: it stands there already. 1146, 1049: the table is still to be made.</exception>
    public static Task NoteAsync(ApiSession session, RepeatableRequest request, long afterLsn, string answer) => session.ExecuteAsync(
        Insert,
        [Text(request.Key), new BoundValue(MySqlDbType.Blob, request.Request), Text(request.Mark), new BoundValue(MySqlDbType.Int64, afterLsn), Text(answer)]);

    /// <summary>The answer that was given to this key before; null where none was.</summary>
    /// <exception cref="DataProblemException">The key came with another request.</exception>
    public async Task<KeptAnswer?> AnsweredAsync(RepeatableRequest request)
    {
        var row = await AskAsync(request.Key);
        if (row is null)
            return null;
        if (!((byte[])row[0]!).AsSpan().SequenceEqual(request.Request))
            throw DataProblemException.Unfit("idempotency_key_reused", $"The Idempotency-Key was used for another request within the last {KeptHours} hours. Use a new key for a new request.");
        return new KeptAnswer(await places.FindMarkAsync((long)row[2]!, (string)row[1]!), (string)row[3]!);
    }

    /// <summary>Makes the table, as any DDL, on all nodes.</summary>
    public static async Task CreateAsync(ApiSession session)
    {
        _ = await session.RunAsync($"CREATE DATABASE IF NOT EXISTS `{ProtectedSchemas.OfApi}`");
        _ = await session.RunAsync(CreateTable);
    }

    /// <summary>Deletes what is older than <see cref="KeptHours"/>, a piece at a time. Where the table was never made there is nothing to do.</summary>
    public async Task ExpireAsync()
    {
        var session = await sessions.RentAsync(SessionKind.Write);
        try
        {
            while ((await session.ExecuteAsync(Expire, [new BoundValue(MySqlDbType.Int64, (long)KeptHours), new BoundValue(MySqlDbType.Int64, (long)DeletedAtOnce)])).AffectedRows == DeletedAtOnce)
            {
                // The next piece, in a transaction of its own.
            }
        }
        catch (MySqlException e) when (IsMissing(e))
        {
            // No key was ever used.
        }
        finally
        {
            await sessions.ReturnAsync(session);
        }
    }

    public static bool IsMissing(MySqlException e) => e.Number is MariaDbErrors.NoSuchTable or MariaDbErrors.NoSuchSchema;

    private async Task<object?[]?> AskAsync(string key)
    {
        var session = await sessions.RentAsync(SessionKind.Question);
        try
        {
            return await session.QueryAsync(Find, Text(key)) is [var row, ..] ? row : null;
        }
        catch (MySqlException e) when (IsMissing(e))
        {
            return null;
        }
        catch (MySqlException e)
        {
            throw MariaDbErrors.Translate(e, mayHaveWritten: false);
        }
        finally
        {
            await sessions.ReturnAsync(session);
        }
    }

    private static BoundValue Text(string text) => new(MySqlDbType.VarString, text);
}
