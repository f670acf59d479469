using WolfScale.Client;
using WolfScale.Client.Verifying;

namespace WolfScale.Unit.Ctl;

/// <summary>A node that holds tables of one row each, and can be made to refuse.</summary>
internal sealed class FakeVerifiedNode(string name)
{
    private readonly List<string> _asked = [];

    /// <summary>A table's one row, by the table's name.</summary>
    public Dictionary<string, string> Tables { get; } = [];

    /// <summary>Tables whose engine has no snapshots.</summary>
    public HashSet<string> Skipped { get; } = [];

    /// <summary>Whether its tables have keys.</summary>
    public bool HasKeys { get; set; }

    /// <summary>Comes before the answer: throws, or takes its time.</summary>
    public Func<VerifyRequest, Task> Before { get; set; } = _ => Task.CompletedTask;

    /// <summary>What it was told to remember.</summary>
    public VerifyOutcome? Outcome { get; private set; }

    /// <summary>All steps, as <c>step table</c>.</summary>
    public IReadOnlyList<string> Asked
    {
        get
        {
            lock (_asked)
                return [.. _asked];
        }
    }

    public VerifiedNode Node => new(name, "run", AnswerAsync);

    /// <summary>From a step about a table on, or only then, nothing but a refusal comes.</summary>
    public void Refuse(string table, string code, bool onlyThen) => Before = request =>
    {
        var refuses = onlyThen ? request.Table == table : string.CompareOrdinal(request.Table, table) >= 0;
        return refuses && request.Step is not "end" ? throw new NodeRefusedException("refused", code, 409) : Task.CompletedTask;
    };

    private async Task<VerifyAnswer> AnswerAsync(VerifyRequest request, CancellationToken cancellationToken)
    {
        lock (_asked)
            _asked.Add($"{request.Step} {request.Table}".Trim());
        await Before(request);
        Outcome = request.Outcome ?? Outcome;
        return request.Step switch
        {
            "pause" or "open" => new VerifyAnswer { Lsn = 7, Gtid = "0-1-7" },
            "survey" => new VerifyAnswer { Objects = [.. Tables.Keys.Order().Select(t => new VerifiedObject("TABLE", "s", t, "", Skipped.Contains(t) ? "no snapshots" : null, 1))] },
            "key" => new VerifyAnswer { Key = HasKeys ? ["id"] : [] },
            "sum" => new VerifyAnswer { Rows = 1, Sum = Tables[request.Table] },
            _ => new VerifyAnswer(),
        };
    }
}
