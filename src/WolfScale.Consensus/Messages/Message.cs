namespace WolfScale.Consensus;

/// <summary>
/// What nodes say to one another. A message is for one incarnation of its addressee and from one incarnation of its sender; the core drops
/// those addressed to anybody else (rule C1). The host authenticates the sender.
/// </summary>
/// <param name="From">The sender.</param>
/// <param name="To">The addressee.</param>
/// <param name="Term">The sender's term (of a <see cref="PreVoteRequest"/> and its granted answer: the term the candidate would
/// start).</param>
public abstract record Message(NodeKey From, NodeKey To, long Term);
