import { Button, Checkbox, Modal, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconCalendarShare } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { invalidate } from '../../api/queries';
import { feedsQuery } from '../../api/settings-queries';
import type { Feed } from '../../api/types';
import { Command } from '../../components/Copy';
import { LoadError, ProblemNote, useFieldErrors } from '../../components/States';
import { Time } from '../../components/Time';
import { useAct } from '../../lib/use-act';
import { useView } from '../../lib/view';

/** The button that opens the dialog of calendars to subscribe to. */
export function FeedsButton() {
  const { t } = useTranslation();
  const [, change] = useView();
  return (
    <Button
      variant="default"
      leftSection={<IconCalendarShare size={16} aria-hidden />}
      onClick={() => change({ do: 'feeds' })}
    >
      {t('feeds.subscribe')}
    </Button>
  );
}

/** Calendars of one's own that other programs read: those there are, and one more. */
export function FeedsDialog() {
  const { t } = useTranslation();
  const [view, change] = useView();
  // The address is shown once: nothing but the button closes it.
  const [shown, setShown] = useState(false);
  const close = () => {
    setShown(false);
    change({ do: undefined });
  };
  return (
    <Modal
      opened={view.do === 'feeds'}
      onClose={close}
      title={t('feeds.title')}
      size="lg"
      closeOnClickOutside={!shown}
      closeOnEscape={!shown}
      withCloseButton={!shown}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      <div className="form">
        {!shown && <OwnFeeds />}
        <NewFeed onMade={() => setShown(true)} onClose={close} />
      </div>
    </Modal>
  );
}

function OwnFeeds() {
  const { t } = useTranslation();
  const feeds = useQuery(feedsQuery);
  return (
    <>
      <p>{t('feeds.text')}</p>
      {feeds.error !== null && <LoadError error={feeds.error} retry={() => void feeds.refetch()} />}
      {feeds.data !== undefined && feeds.data.items.length > 0 && (
        <ul className="feeds" aria-label={t('feeds.own')}>
          {feeds.data.items.map((feed) => (
            <OwnFeed key={feed.id} feed={feed} />
          ))}
        </ul>
      )}
    </>
  );
}

function OwnFeed({ feed }: { feed: Feed }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const revoke = useAct(
    () => take(client.DELETE('/api/v1/feeds/{id}', { params: { path: { id: feed.id } } })),
    ['settings'],
    () => setAsking(false),
  );
  return (
    <li>
      <span className="cell-main">
        <span className="cell-name">{feed.name}</span>
        <span className="cell-second">
          <span className="mono">…{feed.hint}</span>
          {feed.include_trust && <span>{t('settings.include_trust')}</span>}
          <span>
            {t('people.last_used')}:{' '}
            {feed.last_used_at == null ? t('clusters.never') : <Time value={feed.last_used_at} />}
          </span>
        </span>
        {asking && <span>{t('feeds.revoke_text')}</span>}
        {revoke.error !== null && <ProblemNote error={revoke.error} />}
      </span>
      {asking ? (
        <span className="feeds-acts">
          <Button size="compact-sm" variant="default" data-autofocus onClick={() => setAsking(false)}>
            {t('act.cancel')}
          </Button>
          <Button size="compact-sm" className="button-danger" loading={revoke.busy} onClick={revoke.onAct}>
            {t('people.revoke')}
          </Button>
        </span>
      ) : (
        <Button
          size="compact-sm"
          variant="default"
          aria-label={t('people.revoke_title', { name: feed.name })}
          onClick={() => setAsking(true)}
        >
          {t('people.revoke')}
        </Button>
      )}
    </li>
  );
}

function NewFeed({ onMade, onClose }: { onMade: () => void; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [trust, setTrust] = useState(false);
  const make = useMutation({
    mutationFn: () =>
      take(client.POST('/api/v1/feeds', { body: { name, include_trust: trust, language: i18n.language } })),
    onSuccess: () => {
      onMade();
      return invalidate(queries, 'settings');
    },
  });
  const fieldError = useFieldErrors(make.error);
  if (make.data !== undefined) {
    return (
      <>
        <p>{t('feeds.once')}</p>
        <Command text={make.data.url} label={t('feeds.address')} />
        <div className="form-actions">
          <Button onClick={onClose}>{t('act.close')}</Button>
        </div>
      </>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form className="form" onSubmit={submit}>
      {make.error !== null && <ProblemNote error={make.error} />}
      <TextInput
        label={t('field.name')}
        description={t('feeds.name_hint')}
        required
        withAsterisk={false}
        data-autofocus
        maxLength={100}
        value={name}
        error={fieldError('name')}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Checkbox
        label={t('settings.include_trust')}
        checked={trust}
        onChange={(event) => setTrust(event.currentTarget.checked)}
      />
      <div className="form-actions">
        <Button type="submit" loading={make.isPending}>
          {t('feeds.make')}
        </Button>
      </div>
    </form>
  );
}
