namespace WolfScale.Consensus;

/// <summary>A leader's proposals: batches of the host, and changes of the configuration.</summary>
internal sealed partial class LeaderState
{
    /// <summary>Estimates for flow control; the host builds the real bytes.</summary>
    private const int NoOpBytes = 64;
    private const int MemberBytes = 128;

    public ProposeOutcome Propose(int entries, int bytes)
    {
        if (Rules.UnfitNeverServes && !Core.MayServe)
            return new ProposeOutcome(ProposeResult.NotServing, 0, Node.Term);
        if (Core.Transfer is not null)
            return new ProposeOutcome(ProposeResult.TransferInProgress, 0, Node.Term);
        if (_uncommitted.Count >= Node.Options.MaxUncommittedBatches || _uncommitted.Bytes >= Node.Options.MaxUncommittedBytes)
            return new ProposeOutcome(ProposeResult.TooManyInFlight, 0, Node.Term);
        var batch = new BatchInfo(Node.Log.Last.Lsn + 1, Node.Log.Last.Lsn + entries, Node.Term, bytes);
        Append(batch);
        foreach (PeerProgress peer in _peers)
            _sender.SendTo(peer);
        if (EveryoneKnowsCommit())
            _commitUpdateMs = long.MaxValue; // the batch told them
        return new ProposeOutcome(ProposeResult.Accepted, batch.FirstLsn, Node.Term);
    }

    public ConfigurationOutcome ProposeConfiguration(ConfigurationChange change)
    {
        (ConfigurationResult result, Configuration? changed) = ConfigurationChanges.Apply(Node.Configuration!, Node.Self, change);
        if (result == ConfigurationResult.NothingToDo)
            return new ConfigurationOutcome(result, Node.Configurations.ActiveLsn);
        if (result == ConfigurationResult.Accepted)
            result = MayChangeNow(change);
        if (result != ConfigurationResult.Accepted)
            return new ConfigurationOutcome(result, 0);

        var batch = new BatchInfo(
            Node.Log.Last.Lsn + 1, Node.Log.Last.Lsn + 1, Node.Term, NoOpBytes + (MemberBytes * changed!.Members.Length), changed);

        // In force on this node before anything is counted or sent (thesis §4.1).
        AppendOwn(batch);
        Node.Emit(new Effect.ConfigurationChanged(changed, batch.FirstLsn));
        RebuildPeers();
        Core.AnnounceRole();
        foreach (PeerProgress peer in _peers)
            _sender.SendTo(peer);
        AdvanceCommit();
        return new ConfigurationOutcome(ConfigurationResult.Accepted, batch.FirstLsn);
    }

    private ConfigurationResult MayChangeNow(ConfigurationChange change)
    {
        if (Core.Transfer is not null)
            return ConfigurationResult.TransferInProgress;

        // Rule C1, after the flaw found in the single-server change (raft-dev, 2015): without an entry of this term committed first, a
        // change of an older, unfinished leader could take effect beside this one, with majorities that do not overlap.
        if (Rules.ConfigurationWaitsForOwnTerm && !OwnTermCommitted)
            return ConfigurationResult.TermNotCommitted;
        if (Rules.OneConfigurationAtATime && Node.Configurations.ActiveLsn > Node.CommitLsn)
            return ConfigurationResult.ChangeInProgress;
        return change switch
        {
            ConfigurationChange.Promote promote when !HasCaughtUp(promote.Key) => ConfigurationResult.NotCaughtUp,
            ConfigurationChange.AddLearner add when IsOldIncarnationAlive(add.Key) || SharesEpochs(add.Key) => ConfigurationResult.IdInUse,
            _ => ConfigurationResult.Accepted,
        };
    }

    /// <summary>Thesis §4.2.1: a vote for a node that is far behind would stop commits until it has caught up.</summary>
    private bool HasCaughtUp(NodeKey key) =>
        FindPeer(key) is { State: ReplicationState.Replicate } peer
        && peer.HeardSince(Node.NowMs - Node.Options.ElectionTimeoutMaxMs)
        && peer.MatchLsn >= Node.CommitLsn - Node.Options.CaughtUpEntries;

    /// <summary>Two nodes with one digest could lead in one epoch, see <see cref="Epoch"/>. A new incarnation of the node has another one.</summary>
    private bool SharesEpochs(NodeKey key) =>
        Node.IsAvailable && Node.Configuration!.Members.Any(member => member.Key.Id != key.Id && Epoch.OwnerOf(member.Key) == Epoch.OwnerOf(key));

    private bool IsOldIncarnationAlive(NodeKey key)
    {
        long since = Node.NowMs - Node.Options.ElectionTimeoutMaxMs;
        return Array.Exists(_peers, peer => peer.Key.Id == key.Id && peer.Key != key && peer.HeardSince(since));
    }

    private void AppendOwn(BatchInfo batch)
    {
        Append(batch);
        Node.Emit(new Effect.AppendOwn(batch));
    }

    private void Append(BatchInfo batch)
    {
        Node.Append(batch);
        _uncommitted.Add(batch.LastLsn, batch.Bytes);
    }
}
