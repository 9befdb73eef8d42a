namespace MessageDelivery.Client;

/// <summary>
/// The connection was lost, and the session could not be resumed: the hub was restarted, the time to resume has passed, or too much
/// had come for this user meanwhile. The client goes on as a new user, and does not send as that one what was meant to be sent as
/// another: calls from before fail with this.
/// </summary>
public sealed class HubSessionLostException : HubConnectionException
{
    /// <summary>Creates one.</summary>
    /// <param name="lost">What ended the session's last connection.</param>
    /// <param name="mayBeCarriedOut">See <see cref="MayBeCarriedOut"/>.</param>
    public HubSessionLostException(HubConnectionException lost, bool mayBeCarriedOut)
        : base(
            lost?.Code,
            (mayBeCarriedOut ? "the session was lost, and whether the hub has carried this out is not known" : "the session was lost, and this was not sent")
            + (string.IsNullOrEmpty(lost?.Text) ? "" : $" ({lost.Text})"),
            lost) =>
        MayBeCarriedOut = mayBeCarriedOut;

    /// <summary>True: whether the hub has carried out the call is not known. False: it was never sent.</summary>
    public bool MayBeCarriedOut { get; }
}
