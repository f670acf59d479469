namespace WolfScale.MariaDb;

/// <summary>The controller's present snapshot. Written by its loop alone; read by anyone.</summary>
internal sealed class StateBoard
{
    private DatabaseState _said = new(); // as the roles have it: what the disks say is laid over it, and is gone with them
    private volatile DatabaseState _state = new();

    public event Action<DatabaseState>? Changed;

    public DatabaseState State => _state;

    /// <summary>Swaps the snapshot, and tells those who listen where it differs.</summary>
    public void Update(Func<DatabaseState, DatabaseState> change)
    {
        _said = change(_said);
        var after = _said.CannotWrite.Length == 0 ? _said : _said with { Fit = false, Reason = $"{_said.Reason} {_said.CannotWrite}".Trim() };
        if (after.Equals(_state))
            return;
        _state = after;
        Changed?.Invoke(after);
    }

    /// <summary>Enters a phase in which the node is not fit, for this reason.</summary>
    public void Enter(DatabasePhase phase, string reason) =>
        Update(s => s with { Phase = phase, Up = phase != DatabasePhase.Down, Fit = false, HoldsCommits = false, Reason = reason });
}
