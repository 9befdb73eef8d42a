using MessageDelivery.Hub.Access;

namespace MessageDelivery.Hub;

/// <content>Who is let in, while the hub runs.</content>
public sealed partial class MessageHub
{
    /// <summary>
    /// Asks another authenticator from now on, for instance because its file has changed. Users whom it does not let stay
    /// (<see cref="IAuthenticator.MayStay"/>) are told <c>removed</c> and lose their sessions, also those who are away. All others go on
    /// with the rights they came with until they show a token again, or theirs expires. Any thread.
    /// </summary>
    /// <returns>How many users are removed.</returns>
    /// <exception cref="InvalidOperationException">The hub was created without an authenticator: it stays open.</exception>
    public int UseAuthenticator(IAuthenticator authenticator)
    {
        ArgumentNullException.ThrowIfNull(authenticator);
        if (!_admission.IsDemanded)
        {
            throw new InvalidOperationException("The hub was created without an authenticator; whether it demands tokens cannot change while it runs.");
        }

        _admission.Use(authenticator);
        int removed = 0;
        foreach (var user in _sessions?.Users.Everybody ?? [])
        {
            if (user.Identity is { } identity && !_admission.MayStay(authenticator, identity))
            {
                user.Receiver.Remove();
                removed++;
            }
        }

        _logger.AuthenticatorReplaced(removed);
        return removed;
    }
}
