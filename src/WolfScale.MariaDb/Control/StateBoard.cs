namespace WolfScale.MariaDb;

/// <summary>The controller's present snapshot. Written by its loop alone; read by anyone.</summary>
internal sealed class StateBoard
{
    private volatile DatabaseState _state = new();

    public event Action<DatabaseState>? Changed;

    public DatabaseState State => _state;

    /// <summary>Swaps the snapshot, and tells those who listen where it differs.</summary>
    public void Update(Func<DatabaseState, DatabaseState> change)
    {
        var before = _state;
        var after = change(before);
        if (after.CannotWrite.Length > 0)
            after = after with { Fit = false, Reason = after.Reason.Contains(after.CannotWrite, StringComparison.Ordinal) ? after.Reason : $"{after.Reason} {after.CannotWrite}".Trim() };
        if (after.Equals(before))
            return;
        _state = after;
        Changed?.Invoke(after);
    }

    /// <summary>Enters a phase in which the node is not fit, for this reason.</summary>
    public void Enter(DatabasePhase phase, string reason) =>
        Update(s => s with { Phase = phase, Up = phase != DatabasePhase.Down, Fit = false, HoldsCommits = false, Reason = reason });
}
