namespace WolfScale.Cluster.State;

/// <summary>
/// The node's small durable state: what was written is on the disk when the call returns. For values of up to some kilobytes, written
/// rarely. Thread-safe.
/// </summary>
public interface IStateStore
{
    /// <summary>The value under a key, or null.</summary>
    string? Get(string key);

    /// <summary>Writes a value, or removes the key when <paramref name="value"/> is null.</summary>
    void Put(string key, string? value);

    /// <summary>All keys that begin with <paramref name="prefix"/>, with their values, in ordinal order.</summary>
    IReadOnlyList<KeyValuePair<string, string>> List(string prefix);

    /// <summary>All plans that are not finished, oldest first.</summary>
    IReadOnlyList<StoredPlan> OpenPlans();

    /// <summary>Writes a plan's new state (inserts it when it is new).</summary>
    void SavePlan(StoredPlan plan);

    /// <summary>Removes a finished plan.</summary>
    void DeletePlan(string id);
}

/// <summary>A risky sequence as the database side keeps it: a list of idempotent steps that resumes after a crash at any of them.</summary>
/// <param name="Id">Unique.</param>
/// <param name="Kind">Promotion, demotion, rewind, …</param>
/// <param name="Step">The step that is to be done, or done again, next.</param>
/// <param name="Data">Whatever the steps need, as JSON.</param>
public sealed record StoredPlan(string Id, string Kind, int Step, string Data);
