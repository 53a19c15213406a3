import './palette.css';
import { Kbd, Modal } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import {
  IconCertificate,
  IconClipboardList,
  IconCornerDownLeft,
  IconLayoutSidebar,
  IconSearch,
  IconServer,
  IconServer2,
  type Icon,
} from '@tabler/icons-react';
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { searchQuery } from '../../api/queries';
import type { Found } from '../../api/types';
import { ProblemNote } from '../../components/States';
import { displayName } from '../../lib/certificate';
import { useProductName } from '../../lib/products';
import { useMe } from '../../shell/session';
import { pagesFor } from '../../shell/pages';

const DEBOUNCE_MS = 150;

interface Hit {
  id: string;
  group: string;
  icon: Icon;
  title: string;
  text?: string;
  go: () => void;
}

/** Finds a page, a cluster, a node, a certificate or a job by a part of its name, serial number or fingerprint. */
export function Palette({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      withCloseButton={false}
      title={<span className="visually-hidden">{t('palette.title')}</span>}
      size={620}
      padding={0}
      yOffset="12vh"
      centered={false}
      classNames={{ header: 'palette-header', body: 'palette-body' }}
    >
      <PaletteSearch onClose={onClose} />
    </Modal>
  );
}

function PaletteSearch({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const list = useId();
  const [text, setText] = useState('');
  const [asked] = useDebouncedValue(text.trim(), DEBOUNCE_MS);
  const [at, setAt] = useState(0);
  const options = useRef<HTMLUListElement>(null);
  const found = useQuery({
    ...searchQuery(asked),
    enabled: asked !== '',
    placeholderData: keepPreviousData,
  });
  const hits = useHits(text.trim(), asked === '' ? undefined : found.data, onClose);
  // What is shown may still be of what was typed before: Enter waits for the answer to what stands there now.
  const settled =
    text.trim() === '' || (asked === text.trim() && !found.isPending && !found.isPlaceholderData);
  const [entered, setEntered] = useState(false);
  useEffect(() => {
    if (!entered || !settled) return;
    setEntered(false);
    hits[at]?.go();
  }, [entered, settled, hits, at]);
  useEffect(() => setAt(0), [text]);
  useEffect(() => {
    options.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [at]);
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setAt((old) => (hits.length === 0 ? 0 : (old + step + hits.length) % hits.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      setEntered(true);
    }
  };
  const active = hits[at] === undefined ? undefined : `${list}-${at}`;
  return (
    <>
      <div className="palette-input">
        <IconSearch size={19} aria-hidden />
        <input
          type="text"
          role="combobox"
          aria-expanded
          aria-controls={list}
          aria-activedescendant={active}
          aria-label={t('palette.title')}
          placeholder={t('palette.placeholder')}
          autoComplete="off"
          spellCheck={false}
          maxLength={200}
          data-autofocus
          value={text}
          onChange={(event) => {
            setEntered(false);
            setText(event.currentTarget.value);
          }}
          onKeyDown={onKey}
        />
        <Kbd>Esc</Kbd>
      </div>
      {found.isError && <ProblemNote error={found.error} />}
      <ul className="palette-list" role="listbox" id={list} aria-label={t('palette.results')} ref={options}>
        {hits.map((hit, index) => (
          <PaletteHit
            key={hit.id}
            id={`${list}-${index}`}
            hit={hit}
            first={hits[index - 1]?.group !== hit.group}
            selected={index === at}
            onPoint={() => setAt(index)}
          />
        ))}
      </ul>
      <p className="palette-foot" role="status">
        {asked !== '' && !found.isPending && hits.length === 0 ? t('list.no_match') : t('palette.hint')}
      </p>
    </>
  );
}

interface PaletteHitProps {
  id: string;
  hit: Hit;
  first: boolean;
  selected: boolean;
  onPoint: () => void;
}

function PaletteHit({ id, hit, first, selected, onPoint }: PaletteHitProps) {
  const Mark = hit.icon;
  return (
    <li
      id={id}
      role="option"
      aria-selected={selected}
      className={selected ? 'palette-hit is-on' : 'palette-hit'}
      onMouseMove={onPoint}
      onClick={hit.go}
    >
      <span className="palette-group">{first ? hit.group : ''}</span>
      <Mark size={18} stroke={1.7} aria-hidden />
      <span className="palette-words">
        <span>{hit.title}</span>
        {hit.text !== undefined && <span className="dim">{hit.text}</span>}
      </span>
      {selected && <IconCornerDownLeft size={16} aria-hidden />}
    </li>
  );
}

/** Pages by their name, then what the server found. */
function useHits(text: string, found: Found | undefined, onClose: () => void): Hit[] {
  const { t } = useTranslation();
  const { permissions } = useMe();
  const navigate = useNavigate();
  const productName = useProductName();
  return useMemo(() => {
    const wanted = text.toLowerCase();
    const leave = (go: () => Promise<void>) => () => {
      onClose();
      void go();
    };
    const pages = pagesFor(permissions)
      .map((page) => ({ ...page, title: t(page.key) }))
      .filter(({ title }) => title.toLowerCase().includes(wanted))
      .map((page): Hit => ({
        id: `page ${page.key}`,
        group: t('palette.pages'),
        icon: IconLayoutSidebar,
        title: page.title,
        go: leave(() => navigate(page.link as never)),
      }));
    if (found === undefined) return pages;
    const toCluster = (clusterId: string, tab: string, q?: string) =>
      navigate({ to: '/clusters/$clusterId/$tab', params: { clusterId, tab }, search: { q } });
    return [
      ...pages,
      ...found.clusters.map((cluster): Hit => ({
        id: cluster.id,
        group: t('nav.clusters'),
        icon: IconServer2,
        title: cluster.name,
        text: productName(cluster.product),
        go: leave(() => toCluster(cluster.id, 'identity')),
      })),
      ...found.nodes.map((node): Hit => ({
        id: node.id,
        group: t('tab.nodes'),
        icon: IconServer,
        title: node.name,
        text: node.cluster.name,
        go: leave(() => toCluster(node.cluster.id, 'identity', node.name)),
      })),
      ...found.certificates.map((certificate): Hit => ({
        id: certificate.id,
        group: t('nav.certificates'),
        icon: IconCertificate,
        title: certificate.common_name || displayName(certificate.subject),
        text: certificate.serial_hex,
        go: leave(() =>
          navigate({ to: '/certificates/$certificateId', params: { certificateId: certificate.id } }),
        ),
      })),
      ...found.jobs.map((job): Hit => ({
        id: job.id,
        group: t('nav.jobs'),
        icon: IconClipboardList,
        title: t(`action.${job.action}`, { defaultValue: job.action }),
        text: job.title,
        go: leave(() => navigate({ to: '/jobs/$jobId', params: { jobId: job.id } })),
      })),
    ];
  }, [text, found, onClose, permissions, navigate, productName, t]);
}
