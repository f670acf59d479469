using MySqlConnector;
using WolfScale.Server.Http.Data.Catalogue;
using WolfScale.Server.Http.Data.Committed;
using WolfScale.Server.Http.Data.Sessions;

namespace WolfScale.Server.Http.Data.Writing;

/// <summary>What a transaction has done, or had done before.</summary>
/// <param name="Place">Its place in the log; null where nothing had to be written, or nobody can tell.</param>
/// <param name="Answer">What it has answered.</param>
/// <param name="Repeated">It was answered before, to the same Idempotency-Key.</param>
internal readonly record struct Transacted<T>(CommittedPlace? Place, T Answer, bool Repeated);

/// <summary>
/// Transactions that hold the key of the request which they answer, and batches without one.
/// <code>
///   1 START TRANSACTION ─▶ 2 the statements ─▶ 3 the key, with the answer ─▶ 4 COMMIT ─▶ 5 the place in the log
///       an error at 2 or 3: the request may be there already, and its key tells; a loss at 4: the key tells, and where it is not there, once more from 1
/// </code>
/// </summary>
internal sealed class KeyedTransactions(ApiSessions sessions, CommittedPlaces places, IdempotencyKeys keys)
{
    /// <summary>A transaction that certainly did nothing, or whose outcome the key tells, is tried once more.</summary>
    private const int Attempts = 2;

    /// <param name="kind">Of the session.</param>
    /// <param name="schema">The schema it is to be in; null for none.</param>
    /// <param name="request">Its key; null for none.</param>
    /// <param name="execute">2; it may be asked for again.</param>
    /// <param name="form">How the answer is kept.</param>
    /// <exception cref="DataProblemException">Nothing was written, except where the code is outcome_unknown.</exception>
    public async Task<Transacted<T>> RunAsync<T>(SessionKind kind, string? schema, RepeatableRequest? request, Func<ApiSession, Task<T>> execute, KeptForm<T> form)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryAsync(kind, schema, request, execute, form);
            }
            catch (DataProblemException e) when (request is not null && e.Code is "outcome_unknown" or "rolled_back" or "connection_lost" && attempt < Attempts)
            {
                if (await LookAsync(request!, e) is { } answered)
                    return new Transacted<T>(answered.Place, form.Read(answered.Answer), Repeated: false);
            }
        }
    }

    /// <summary>What the request was answered before; null where it was not.</summary>
    public async Task<Transacted<T>?> AnsweredAsync<T>(RepeatableRequest request, KeptForm<T> form) =>
        await keys.AnsweredAsync(request) is { } kept ? new Transacted<T>(kept.Place, form.Read(kept.Answer), Repeated: true) : null;

    /// <summary>5: the write is done, and stays done if its place cannot be told.</summary>
    public async ValueTask<CommittedPlace?> PlaceAsync(ApiSession session)
    {
        try
        {
            return await session.LastGtidAsync() is { } gtid ? await places.FindAsync(gtid) : null;
        }
        catch (MySqlException)
        {
            return null;
        }
    }

    /// <summary>Whether the attempt that failed is there all the same. Where even that cannot be asked, its own failure is the truth.</summary>
    private async Task<KeptAnswer?> LookAsync(RepeatableRequest request, DataProblemException failure)
    {
        try
        {
            return await keys.AnsweredAsync(request);
        }
        catch (DataProblemException e) when (e.Status >= 500)
        {
            throw failure;
        }
    }

    private async Task<Transacted<T>> TryAsync<T>(SessionKind kind, string? schema, RepeatableRequest? request, Func<ApiSession, Task<T>> execute, KeptForm<T> form)
    {
        ApiSession session;
        try
        {
            session = await sessions.RentAsync(kind, schema);
        }
        catch (DataProblemException e) when (request is not null && e.Status < 500)
        {
            // The schema is gone. It was there when the request was sent first, if it was.
            if (await AnsweredAsync(request, form) is { } answered)
                return answered;
            throw;
        }

        try
        {
            return await TransactAsync(session, request, execute, form);
        }
        catch (MySqlException e) when (request is not null && IdempotencyKeys.IsMissing(e) && e.Message.Contains(ProtectedSchemas.OfApi, StringComparison.Ordinal))
        {
            return await TranslateAsync(async () =>
            {
                await IdempotencyKeys.CreateAsync(session);
                return await TransactAsync(session, request, execute, form);
            });
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

    /// <exception cref="MySqlException">Nothing was written.</exception>
    private async Task<Transacted<T>> TransactAsync<T>(ApiSession session, RepeatableRequest? request, Func<ApiSession, Task<T>> execute, KeptForm<T> form)
    {
        var afterLsn = places.CommitLsn;
        T answer;
        try
        {
            _ = await session.RunAsync("START TRANSACTION");                                    // 1
            answer = await execute(session);                                                    // 2
            if (request is not null)
                await IdempotencyKeys.NoteAsync(session, request, afterLsn, form.Write(answer)); // 3
        }
        catch (MySqlException e)
        {
            await session.RollBackAsync();
            // Sent again, a request meets its own rows: the key tells whether they are.
            if (request is not null && MariaDbErrors.LeavesSessionWhole(e) && await AnsweredAsync(request, form) is { } answered)
                return answered;
            throw;
        }
        catch (DataProblemException)
        {
            // What is wrong with it now may not have been when it was sent first: the answer was short, the table of another engine.
            await session.RollBackAsync();
            if (request is not null && await AnsweredAsync(request, form) is { } answered)
                return answered;
            throw;
        }

        _ = await TranslateAsync(() => session.RunAsync("COMMIT"), mayHaveWritten: true);        // 4
        return new Transacted<T>(await PlaceAsync(session), answer, Repeated: false);            // 5
    }

    private static async Task<T> TranslateAsync<T>(Func<Task<T>> execute, bool mayHaveWritten = false)
    {
        try
        {
            return await execute();
        }
        catch (MySqlException e)
        {
            throw MariaDbErrors.Translate(e, mayHaveWritten);
        }
    }
}

/// <summary>How an answer stands beside its key.</summary>
internal readonly record struct KeptForm<T>(Func<T, string> Write, Func<string, T> Read);
